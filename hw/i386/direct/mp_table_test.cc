// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/mp_table.h"

#include <gtest/gtest.h>

#include <string>

namespace qc::hw {
namespace {

unsigned sum(const std::vector<std::byte>& bytes) {
    unsigned sum = 0;
    for (std::byte byte : bytes)
        sum += std::to_integer<unsigned>(byte);
    return sum & 0xff;
}
std::string text(const std::vector<std::byte>& bytes, size_t at, size_t size) {
    return {reinterpret_cast<const char*>(bytes.data()) + at, size};
}
uint32_t number(const std::vector<std::byte>& bytes, size_t at, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i)
        value |= std::to_integer<uint32_t>(bytes.at(at + i)) << (8 * i);
    return value;
}
// Entries of a kind, each as text.
std::vector<std::string> entries(const std::vector<std::byte>& table, uint8_t kind) {
    std::vector<std::string> found;
    size_t at = 44;
    for (uint32_t left = number(table, 34, 2); left > 0; --left) {
        const uint32_t size = number(table, at, 1) == 0 ? 20 : 8;
        if (number(table, at, 1) == kind) found.push_back(text(table, at, size));
        at += size;
    }
    EXPECT_EQ(at, table.size());
    return found;
}

TEST(MpTable, header_says_its_length_and_the_sum_is_zero) {
    const auto table = make_mp_table({});
    EXPECT_EQ(text(table, 0, 4), "PCMP");
    EXPECT_EQ(number(table, 4, 2), table.size());
    EXPECT_EQ(number(table, 36, 4), 0xfee00000u);
    EXPECT_EQ(sum(table), 0u);
}

TEST(MpTable, processors_that_are_there_have_their_apic_ids) {
    const auto table = make_mp_table({.cpus = {.possible = {{0}, {1}, {4}, {5}}, .present = 3},
                                      .processor_id = 0x78bfbfd00000663});
    const auto cpus = entries(table, 0);
    ASSERT_EQ(cpus.size(), 3u);
    EXPECT_EQ(cpus[0], std::string("\0\0\x14\3\x63\6\0\0\xfd\xfb\x8b\7\0\0\0\0\0\0\0\0", 20));
    EXPECT_EQ(cpus[2].substr(0, 4), std::string("\0\4\x14\1", 4));
}

TEST(MpTable, interrupts_are_the_isa_s_but_for_those_that_pci_has) {
    const auto table = make_mp_table(
        {.pci_pins = {{.device = 3, .pin = 1, .target = 11}}, .taken_by_pci = 1u << 10 | 1u << 11});
    const auto wires = entries(table, 3);
    ASSERT_EQ(wires.size(), 1u + 13u);
    EXPECT_EQ(wires[0], std::string("\3\0\x0d\0\0\x0d\0\x0b", 8));
    EXPECT_EQ(wires[1], std::string("\3\0\0\0\1\0\0\2", 8));  // the timer
    EXPECT_EQ(wires[2], std::string("\3\0\0\0\1\1\0\1", 8));
    EXPECT_EQ(entries(table, 4).size(), 2u);
    EXPECT_EQ(entries(table, 1).size(), 2u);
    EXPECT_EQ(entries(table, 2).at(0), std::string("\2\0\x11\1\0\0\xc0\xfe", 8));
}

TEST(MpTable, pointer_leads_to_it) {
    const auto pointer = make_mp_pointer(0xf0120);
    EXPECT_EQ(text(pointer, 0, 4), "_MP_");
    EXPECT_EQ(number(pointer, 4, 4), 0xf0120u);
    EXPECT_EQ(number(pointer, 8, 1), 1u);
    EXPECT_EQ(sum(pointer), 0u);
}

}  // namespace
}  // namespace qc::hw
