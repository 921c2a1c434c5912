// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/firmware_tables.h"

#include <gtest/gtest.h>

#include "hw/i386/direct/firmware_area.h"
#include "hw/i386/direct/test_memory.h"

namespace qc::hw {
namespace {

constexpr uint64_t kRam = 8 << 20;

TEST(FirmwareTables, searches_find_all_of_them) {
    const SmbiosConfig smbios{.bios = SmbiosBios{.vendor = "some vendor"}};
    const FirmwareTables tables = make_firmware_tables({.ram_below_4g = kRam,
                                                        .cpus = PcCpus::flat(2),
                                                        .serial_ports = 0b101,
                                                        .smbios = &smbios},
                                                       {})
                                      .value();
    const TestMemory memory(tables.pieces, kRam);
    const uint64_t rsdp = memory.find(0xe0000, "RSD PTR ");
    ASSERT_EQ(rsdp, tables.facts.rsdp);
    EXPECT_EQ(memory.sum(rsdp, 36), 0u);
    const uint64_t xsdt = memory.number(rsdp + 24, 8);
    EXPECT_EQ(memory.text(xsdt, 4), "XSDT");
    EXPECT_EQ(memory.sum(xsdt, memory.number(xsdt + 4, 4)), 0u);

    const uint64_t anchor = memory.find(0xf0000, "_SM_");
    ASSERT_NE(anchor, 0u);
    EXPECT_EQ(memory.sum(anchor, 0x1f), 0u);
    EXPECT_EQ(memory.sum(anchor + 0x10, 0xf), 0u);
    const uint64_t first = memory.number(anchor + 0x18, 4);
    EXPECT_EQ(memory.number(first, 1), 0u);
    EXPECT_EQ(memory.text(first + memory.number(first + 1, 1)), "some vendor");

    const uint64_t pointer = memory.find(0xf0000, "_MP_");
    ASSERT_NE(pointer, 0u);
    EXPECT_EQ(memory.text(memory.number(pointer + 4, 4), 4), "PCMP");

    // The tables are behind what the map calls RAM.
    ASSERT_EQ(tables.facts.map.at(3).type, BootRange::kReserved);
    EXPECT_GE(xsdt, tables.facts.map[3].start);
    EXPECT_EQ(tables.facts.map[3].start + tables.facts.map[3].size, kRam);
}

TEST(FirmwareTables, bios_data_tell_serial_ports_and_memory) {
    const FirmwareTables tables =
        make_firmware_tables({.ram_below_4g = kRam, .serial_ports = 0b101}, {}).value();
    const TestMemory memory(tables.pieces, kRam);
    EXPECT_EQ(memory.number(0x400, 8), 0x3e803f8u);
    EXPECT_EQ(memory.number(0x40e, 2), 0x9fc0u);
    EXPECT_EQ(memory.number(0x410, 2) >> 9 & 7, 2u);
    EXPECT_EQ(memory.number(0x413, 2), 639u);
    EXPECT_EQ(memory.number(0x500, 1), uint64_t{'x'});
    EXPECT_EQ(memory.find(0xf0000, "_SM_"), 0u);
    // The reset vector: mov dx, cf9h
    EXPECT_EQ(memory.number(0xffff0, 3), 0x0cf9bau);
}

TEST(FirmwareArea, zones_are_aligned_and_bounded) {
    FirmwareArea area(kRam);
    EXPECT_EQ(area.high_start(), kRam);
    EXPECT_EQ(area.allocate(TableZone::kHigh, 100, 64).value(), kRam - 128);
    EXPECT_EQ(area.high_start(), kRam - 4096);
    EXPECT_EQ(area.allocate(TableZone::kFSegment, 20, 16).value(), 0xf0000u);
    EXPECT_EQ(area.allocate(TableZone::kFSegment, 20, 16).value(), 0xf0020u);
    EXPECT_FALSE(area.allocate(TableZone::kHigh, 256 << 10, 16));
    EXPECT_TRUE(area.allocate(TableZone::kHigh, (256 << 10) - 128, 16));
    EXPECT_FALSE(area.allocate(TableZone::kHigh, 1, 1));
    EXPECT_FALSE(area.allocate(TableZone::kFSegment, 0xff00 - 0x20, 1));
    EXPECT_FALSE(area.allocate(TableZone::kFSegment, ~size_t{0}, 1));
    EXPECT_TRUE(area.allocate(TableZone::kFSegment, 0xff00 - 0x34, 1));
}

}  // namespace
}  // namespace qc::hw
