// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/slot_table.h"

#include <gtest/gtest.h>

namespace qc::kvm {
namespace {

using memory::FlatView;
using memory::kPageSize;
using memory::MemoryRegion;
using memory::RamBlock;

class SlotTableTest : public testing::Test {
 protected:
    void SetUp() override { root_.add_child(0, ram_region_); }
    SlotChanges update() { return table_.update(FlatView(root_)); }

    std::unique_ptr<RamBlock> ram_ = *RamBlock::create("ram", 16 * kPageSize, RamBlock::Kind::kRam);
    MemoryRegion root_ = MemoryRegion::container("root", 0);
    MemoryRegion ram_region_ = MemoryRegion::ram("ram", *ram_);
    MemoryRegion window_ = MemoryRegion::alias("window", ram_region_, 8 * kPageSize, 2 * kPageSize);
    SlotTable table_{4};
};

TEST_F(SlotTableTest, first_view_adds_its_ram) {
    SlotChanges changes = update();
    ASSERT_EQ(changes.added.size(), 1u);
    EXPECT_TRUE(changes.removed.empty());
    EXPECT_EQ(changes.added[0].address, 0u);
    EXPECT_EQ(changes.added[0].size, 16 * kPageSize);
    EXPECT_EQ(changes.added[0].block, ram_.get());
}

TEST_F(SlotTableTest, same_view_changes_nothing) {
    update();
    SlotChanges changes = update();
    EXPECT_TRUE(changes.added.empty());
    EXPECT_TRUE(changes.removed.empty());
}

TEST_F(SlotTableTest, cover_splits_a_slot_and_uncovering_joins_it_again) {
    update();
    window_.set_read_only(true);
    root_.add_child(4 * kPageSize, window_, 1);

    SlotChanges split = update();

    EXPECT_EQ(split.removed.size(), 1u);
    ASSERT_EQ(split.added.size(), 3u);
    EXPECT_TRUE(split.added[1].read_only);
    EXPECT_EQ(split.added[1].offset, 8 * kPageSize);
    EXPECT_EQ(split.added[2].address, 6 * kPageSize);
    EXPECT_EQ(split.added[2].offset, 6 * kPageSize);

    root_.remove_child(window_);
    SlotChanges joined = update();
    EXPECT_EQ(joined.removed.size(), 3u);
    EXPECT_EQ(joined.added.size(), 1u);
    EXPECT_EQ(table_.slots().size(), 1u);
}

TEST_F(SlotTableTest, ids_are_unique_and_used_again) {
    update();
    root_.add_child(4 * kPageSize, window_, 1);
    update();
    root_.remove_child(window_);
    update();
    EXPECT_LT(table_.slots()[0].id, 4u);
}

TEST_F(SlotTableTest, slot_that_stays_keeps_its_id) {
    auto more = *RamBlock::create("more", kPageSize, RamBlock::Kind::kRam);
    auto more_region = MemoryRegion::ram("more", *more);
    root_.add_child(0x100000, more_region);
    update();
    const uint32_t id = table_.slots()[1].id;
    ram_region_.set_enabled(false);
    SlotChanges changes = update();
    EXPECT_EQ(changes.removed.size(), 1u);
    ASSERT_EQ(table_.slots().size(), 1u);
    EXPECT_EQ(table_.slots()[0].id, id);
}

TEST_F(SlotTableTest, only_whole_pages_are_mapped) {
    auto half = MemoryRegion::alias("half", ram_region_, 0, kPageSize + 100);
    root_.remove_child(ram_region_);
    root_.add_child(0x10000, half);
    SlotChanges changes = update();
    ASSERT_EQ(changes.added.size(), 1u);
    EXPECT_EQ(changes.added[0].size, kPageSize);
}

TEST_F(SlotTableTest, ram_at_an_odd_offset_is_left_out) {
    auto odd = MemoryRegion::alias("odd", ram_region_, 16, 4 * kPageSize);
    root_.remove_child(ram_region_);
    root_.add_child(0x10000, odd);
    EXPECT_TRUE(update().added.empty());
}

TEST_F(SlotTableTest, more_ranges_than_slots_are_left_out) {
    root_.remove_child(ram_region_);
    std::vector<MemoryRegion> windows;
    windows.reserve(6);
    for (unsigned i = 0; i < 6; ++i) {
        windows.push_back(MemoryRegion::alias("w", ram_region_, i * kPageSize, kPageSize));
        root_.add_child(0x10000 * i, windows.back());
    }
    EXPECT_EQ(update().added.size(), 4u);
}

}  // namespace
}  // namespace qc::kvm
