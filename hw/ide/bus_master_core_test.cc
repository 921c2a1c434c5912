// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/bus_master_core.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace qc::hw {
namespace {

constexpr uint64_t kEnd = uint64_t{1} << 63;

struct Fixture {
    void start() {
        core.write_table(0x1000);
        core.write_command(bus_master::kCommandStart);
    }
    std::optional<BusMasterCore::Region> next(uint32_t bytes) {
        return core.next_region(
            bytes, [this](uint32_t address) { return descriptors.at((address - 0x1000) / 8); });
    }
    std::vector<uint64_t> descriptors;
    BusMasterCore core;
};

TEST(BusMasterCore, walk_splits_by_descriptor_and_by_wish) {
    Fixture f;
    f.descriptors = {0x0000'0008'0000'2000, kEnd | 0x0000'0010'0000'3000};
    f.start();
    auto region = f.next(6);
    EXPECT_EQ(region->address, 0x2000u);
    EXPECT_EQ(region->bytes, 6u);
    region = f.next(100);
    EXPECT_EQ(region->address, 0x2006u);
    EXPECT_EQ(region->bytes, 2u);
    EXPECT_EQ(f.next(100)->bytes, 16u);
    EXPECT_TRUE(f.core.active());
    EXPECT_FALSE(f.next(1));
    EXPECT_FALSE(f.core.active()) << "the table was too short";
}

TEST(BusMasterCore, count_of_zero_is_64_kib) {
    Fixture f;
    f.descriptors = {kEnd | 0x4000};
    f.start();
    EXPECT_EQ(f.next(0x20000)->bytes, 0x10000u);
}

TEST(BusMasterCore, done_at_the_end_of_the_table_is_inactive) {
    Fixture f;
    f.descriptors = {kEnd | 0x0000'0010'0000'3000};
    f.start();
    (void)f.next(16);
    f.core.transfer_done();
    EXPECT_FALSE(f.core.active());
    f.core.write_command(0);
    f.start();
    (void)f.next(8);
    f.core.transfer_done();
    EXPECT_TRUE(f.core.active()) << "descriptors were left over";
}

TEST(BusMasterCore, status_bits_clear_by_ones_and_capabilities_are_kept) {
    Fixture f;
    f.core.note_interrupt();
    f.core.write_status(0x60);
    EXPECT_EQ(f.core.status(), 0x64);
    f.core.write_status(0x24);
    EXPECT_EQ(f.core.status(), 0x20);
    f.core.write_status(0x01);
    EXPECT_FALSE(f.core.active()) << "active is not the guest's to set";
}

TEST(BusMasterCore, endless_table_ends) {
    Fixture f;
    f.core.write_command(bus_master::kCommandStart);
    uint32_t count = 0;
    while (f.core.next_region(0x10000, [](uint32_t) { return uint64_t{2} << 32; }))
        ++count;
    EXPECT_EQ(count, BusMasterCore::kMaxDescriptors);
}

TEST(BusMasterCore, random_tables_stay_in_bounds) {
    std::mt19937_64 random(4);
    BusMasterCore core;
    for (int i = 0; i < 20000; ++i) {
        core.write_command(static_cast<uint8_t>(random()));
        core.write_status(static_cast<uint8_t>(random()));
        core.write_table(static_cast<uint32_t>(random()));
        auto wish = static_cast<uint32_t>(1 + random() % 0x20000);
        auto region = core.next_region(wish, [&](uint32_t) { return random(); });
        if (region) {
            ASSERT_GE(region->bytes, 1u);
            ASSERT_LE(region->bytes, wish);
        }
        ASSERT_TRUE(core.validate(core.save()));
    }
}

}  // namespace
}  // namespace qc::hw
