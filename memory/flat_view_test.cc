// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/flat_view.h"

#include <gtest/gtest.h>

#include "memory/ram_list.h"

namespace qc::memory {
namespace {

class SilentDevice final : public IoHandler {
 public:
    std::string_view io_name() const override { return "silent"; }
    uint64_t io_read(uint64_t, unsigned) override { return 0; }
    void io_write(uint64_t, unsigned, uint64_t) override {}
};

class FlatViewTest : public testing::Test {
 protected:
    RamBlock& block(const char* id, uint64_t size) {
        return **ram_.create_block(id, size, RamBlock::Kind::kRam);
    }
    RamList ram_;
};

TEST_F(FlatViewTest, higher_priority_hides_what_lies_below) {
    RamBlock& ram_block = block("ram", 0x100000);
    SilentDevice device;
    MemoryRegion root = MemoryRegion::container("root", 0);
    MemoryRegion ram = MemoryRegion::ram("ram", ram_block);
    MemoryRegion window = MemoryRegion::io("window", 0x20000, device);
    root.add_child(0xa0000, window, 1);
    root.add_child(0, ram);

    FlatView view(root);

    ASSERT_EQ(view.ranges().size(), 3u);
    EXPECT_EQ(view.find(PhysAddr(0x9ffff))->block, &ram_block);
    EXPECT_EQ(view.find(PhysAddr(0xa0000))->handler, &device);
    EXPECT_EQ(view.find(PhysAddr(0xbffff))->offset, 0u);
    EXPECT_EQ(view.find(PhysAddr(0xc0000))->offset, 0xc0000u);
    EXPECT_EQ(view.find(PhysAddr(0x100000)), nullptr);
}

TEST_F(FlatViewTest, alias_shows_the_middle_of_its_target) {
    RamBlock& rom_block = block("rom", 0x40000);
    MemoryRegion root = MemoryRegion::container("root", 0);
    MemoryRegion rom = MemoryRegion::rom("rom", rom_block);
    MemoryRegion low = MemoryRegion::alias("isa-bios", rom, 0x20000, 0x20000);
    root.add_child(0xfffc0000, rom);
    root.add_child(0xe0000, low);

    FlatView view(root);

    const FlatRange* range = view.find(PhysAddr(0xe0000));
    ASSERT_NE(range, nullptr);
    EXPECT_EQ(range->offset, 0x20000u);
    EXPECT_TRUE(range->read_only);
    EXPECT_EQ(range->last, 0xfffffu);
    const FlatRange* reset_vector = view.find(PhysAddr(0xfffffff0));
    ASSERT_NE(reset_vector, nullptr);
    EXPECT_EQ(reset_vector->offset + (0xfffffff0 - reset_vector->start), 0x3fff0u);
}

TEST_F(FlatViewTest, read_only_alias_and_neighbours_of_one_block_stay_apart) {
    RamBlock& ram_block = block("ram", 0x100000);
    MemoryRegion ram = MemoryRegion::ram("ram", ram_block);
    MemoryRegion root = MemoryRegion::container("root", 0);
    MemoryRegion shadow = MemoryRegion::alias("shadow", ram, 0xc0000, 0x4000);
    MemoryRegion plain = MemoryRegion::alias("plain", ram, 0xc4000, 0x4000);
    MemoryRegion below = MemoryRegion::alias("below", ram, 0, 0xc0000);
    shadow.set_read_only(true);
    root.add_child(0, below);
    root.add_child(0xc0000, shadow);
    root.add_child(0xc4000, plain);

    FlatView protected_view(root);
    shadow.set_read_only(false);
    FlatView open_view(root);

    EXPECT_EQ(protected_view.ranges().size(), 3u);
    EXPECT_TRUE(protected_view.find(PhysAddr(0xc1000))->read_only);
    ASSERT_EQ(open_view.ranges().size(), 1u) << "pieces that continue each other are one range";
    EXPECT_EQ(open_view.ranges()[0].last, 0xc7fffu);
}

TEST_F(FlatViewTest, disabled_region_is_not_there) {
    RamBlock& ram_block = block("ram", 0x1000);
    MemoryRegion root = MemoryRegion::container("root", 0);
    MemoryRegion ram = MemoryRegion::ram("ram", ram_block);
    root.add_child(0, ram);
    ram.set_enabled(false);
    EXPECT_EQ(FlatView(root).find(PhysAddr(0)), nullptr);
}

}  // namespace
}  // namespace qc::memory
