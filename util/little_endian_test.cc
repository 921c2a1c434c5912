// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/little_endian.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace qc {
namespace {

TEST(LittleEndian, number_comes_back_from_its_place) {
    std::vector<std::byte> bytes(8);
    put_le(bytes, 1, 4, 0x12345678);
    EXPECT_EQ(bytes[0], std::byte{0});
    EXPECT_EQ(bytes[1], std::byte{0x78});
    EXPECT_EQ(bytes[4], std::byte{0x12});
    EXPECT_EQ(bytes[5], std::byte{0});
    EXPECT_EQ(get_le(bytes, 1, 4), 0x12345678u);
    EXPECT_EQ(get_le<uint16_t>(bytes, 2), 0x3456u);
}

TEST(LittleEndian, longest_number_and_other_type_of_byte) {
    std::array<uint8_t, 8> bytes{};
    put_le(bytes, 0, 8, 0xfedcba9876543210);
    EXPECT_EQ(bytes[7], 0xfe);
    EXPECT_EQ(get_le<uint64_t>(bytes, 0), 0xfedcba9876543210);
    put_le(std::span(bytes).subspan(6), 0, 2, 0x12345);
    EXPECT_EQ(get_le(bytes, 6, 2), 0x2345u) << "what does not fit is cut off";
}

TEST(LittleEndian, checksum_makes_the_sum_zero) {
    std::vector<std::byte> bytes = {std::byte{200}, std::byte{99}, std::byte{100}};
    set_checksum(bytes, 1);
    EXPECT_EQ(bytes[1], static_cast<std::byte>(-300));
}

TEST(LittleEndian, place_outside_is_a_fault_of_the_caller) {
    std::array<uint8_t, 4> bytes{};
    EXPECT_DEATH(put_le(bytes, 3, 2, 0), "");
    EXPECT_DEATH(get_le(bytes, 5, 1), "");
}

}  // namespace
}  // namespace qc
