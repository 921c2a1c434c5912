// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp_format.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace qc::monitor {
namespace {

// Each byte is its address's low one; nothing from 100h on.
bool memory(uint64_t address, std::span<std::byte> data) {
    if (address + data.size() > 0x100) return false;
    for (std::byte& byte : data)
        byte = static_cast<std::byte>(address++);
    return true;
}

std::string dump(std::string_view format, uint64_t address) {
    return dump_memory(*parse_hmp_format(format), address, memory);
}

TEST(HmpFormat, count_letter_and_size_come_in_a_row) {
    const HmpFormat format = *parse_hmp_format("12dh");
    EXPECT_EQ(format.count, 12u);
    EXPECT_EQ(format.letter, 'd');
    EXPECT_EQ(format.size, 2u);
    EXPECT_EQ(parse_hmp_format("")->count, 1u);
    EXPECT_EQ(parse_hmp_format("gx")->size, 8u);
    EXPECT_EQ(parse_hmp_format("4z").error().message(), "invalid char in format: 'z'");
    EXPECT_LE(parse_hmp_format("99999999999")->count, 65536u);
}

TEST(HmpFormat, numbers_are_shown_in_each_form) {
    const auto show = [](std::string_view format, int64_t value) {
        return show_number(*parse_hmp_format(format), value);
    };
    EXPECT_EQ(show("x", 22), "0x16");
    EXPECT_EQ(show("d", -22), "-22");
    EXPECT_EQ(show("u", -1), "18446744073709551615");
    EXPECT_EQ(show("o", 8), "010");
    EXPECT_EQ(show("c", 'a'), "'a'");
    EXPECT_EQ(show("c", '\n'), "'\\n'");
    EXPECT_EQ(show("c", 1), "'\\x01'");
}

TEST(HmpFormat, memory_is_shown_in_units_of_its_size) {
    EXPECT_EQ(dump("4xb", 0x10), "0000000000000010: 0x10 0x11 0x12 0x13\n");
    EXPECT_EQ(dump("2xg", 0), "0000000000000000: 0x0706050403020100 0x0f0e0d0c0b0a0908\n");
    EXPECT_EQ(dump("1xh", 0x20), "0000000000000020: 0x2120\n");
    EXPECT_EQ(dump("2db", 0xf0), "00000000000000f0: -16 -15\n");
    EXPECT_EQ(dump("1uw", 0), "0000000000000000:   50462976\n");
    EXPECT_EQ(dump("2ob", 7), "0000000000000007: 0007 0010\n");
    EXPECT_EQ(dump("3c", 0x40), "0000000000000040: '@' 'A' 'B'\n");
}

TEST(HmpFormat, lines_have_16_bytes) {
    EXPECT_EQ(dump("5x", 0),
              "0000000000000000: 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c\n"
              "0000000000000010: 0x13121110\n");
}

TEST(HmpFormat, memory_that_is_not_there_is_named) {
    EXPECT_EQ(dump("2xg", 0xf8), "00000000000000f8: Cannot access memory\n");
    EXPECT_EQ(dump("0x", 0), "");
}

}  // namespace
}  // namespace qc::monitor
