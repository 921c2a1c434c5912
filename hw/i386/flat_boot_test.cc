// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/flat_boot.h"

#include <gtest/gtest.h>

#include "hw/i386/kernel_test_support.h"

namespace qc::hw {
namespace {

constexpr uint64_t kMemory = 8 << 20;

std::string error(FlatBoot& boot, uint64_t address, uint64_t size) {
    const Result<void> loaded = boot.load(address, {}, size);
    return loaded ? "" : loaded.error().message();
}

TEST(FlatBoot, pieces_arrive_with_zeros_behind_them) {
    FlatBoot boot(kMemory);
    ASSERT_TRUE(boot.load(0x100000, bytes_of("one"), 5));
    ASSERT_TRUE(boot.load(0x400000, bytes_of("three"), 3 << 20));
    ASSERT_TRUE(boot.load(0x10000, bytes_of("two"), 3));
    const LoadedMemory memory(std::move(boot).finish({.address = 0x1234, .eax = 7}).value());
    EXPECT_EQ(memory.text(0x100000, 6), std::string("one\0\0x", 6));
    EXPECT_EQ(memory.text(0x10000, 4), "twox");
    EXPECT_EQ(memory.text(0x400000), "three");
    EXPECT_EQ(memory.number(0x6ffff8, 8), 0u);
    EXPECT_EQ(memory.number(0x700000, 1), uint64_t{'x'});
    EXPECT_EQ(memory.entry(), 0x1234u);
    EXPECT_EQ(memory.eax(), 7u);
}

TEST(FlatBoot, plan_has_a_flat_gdt_and_room_for_what_is_not_wanted) {
    FlatBoot boot(kMemory);
    const LoadedMemory memory(
        std::move(boot)
            .finish({.record = bytes_of("rec"), .places = {.rsdp = 32}, .between_map_entries = 20})
            .value());
    EXPECT_EQ(memory.record(), 0x8100u);
    EXPECT_EQ(memory.text(0x8100), "rec");
    EXPECT_EQ(memory.u32(0x8200), 20u);
    EXPECT_EQ(memory.plan16(0x1c), 0x100u + 32);
    EXPECT_EQ(memory.plan16(0x14), 0x50u);
    EXPECT_EQ(memory.plan16(0x20), 31u);
    EXPECT_EQ(memory.u32(0x8022), 0x8028u);
    EXPECT_EQ(memory.number(0x8030, 8), 0x00cf9a000000ffffu);
    EXPECT_EQ(memory.number(0x8038, 8), 0x00cf92000000ffffu);
}

TEST(FlatBoot, what_does_not_fit_is_refused) {
    FlatBoot boot(kMemory);
    EXPECT_NE(error(boot, 0, 1).find("0x1 bytes at 0x0 do not fit"), std::string::npos);
    EXPECT_NE(error(boot, 0x9f000, 1).find("do not fit"), std::string::npos);
    EXPECT_NE(error(boot, kMemory - (256 << 10) - 16, 17).find("do not fit"), std::string::npos);
    EXPECT_NE(error(boot, ~uint64_t{0}, 2).find("do not fit"), std::string::npos);
    EXPECT_NE(error(boot, 0x7fff, 2).find("boot loader"), std::string::npos);
    EXPECT_NE(error(boot, 0xffff, 2).find("boot loader"), std::string::npos);
    EXPECT_EQ(error(boot, 0x100000, 0x1000), "");
    EXPECT_NE(error(boot, 0x100fff, 1).find("overlap"), std::string::npos);
    EXPECT_EQ(error(boot, 0x101000, 1), "");
}

TEST(FlatBoot, end_and_high_places_are_whole_pages) {
    FlatBoot boot(kMemory);
    EXPECT_EQ(boot.end(), 0x100000u);
    ASSERT_TRUE(boot.load(0x300000, bytes_of("x"), 1));
    EXPECT_EQ(boot.end(), 0x301000u);
    EXPECT_EQ(boot.place_high(1).value(), kMemory - (256 << 10) - 4096);
    EXPECT_TRUE(boot.place_high(0x400000));
    EXPECT_FALSE(boot.place_high(0x500000));
    EXPECT_FALSE(boot.place_high(kMemory));
}

TEST(FlatBoot, more_pieces_than_the_plan_has_room_for_are_refused) {
    FlatBoot boot(uint64_t{2} << 30);
    ASSERT_TRUE(boot.load(0x100000, {}, uint64_t{1} << 30));
    for (uint64_t i = 0; i < 600; ++i)
        ASSERT_TRUE(boot.load(0x60000000 + i, bytes_of("x"), 1));
    EXPECT_EQ(std::move(boot).finish({}).error().message(), "there are too many pieces to load");
}

}  // namespace
}  // namespace qc::hw
