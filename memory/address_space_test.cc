// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/address_space.h"

#include <gtest/gtest.h>

#include <array>

#include "memory/ram_list.h"

namespace qc::memory {
namespace {

class RecordingDevice final : public IoHandler {
 public:
    explicit RecordingDevice(Rules rules) : rules_(rules) {}
    std::string_view io_name() const override { return "recorder"; }
    Rules io_rules() const override { return rules_; }
    uint64_t io_read(uint64_t offset, unsigned size) override {
        log_ += fmt::format("r{}@{} ", size, offset);
        return 0x8877665544332211u >> (offset * 8);
    }
    void io_write(uint64_t offset, unsigned size, uint64_t value) override {
        log_ += fmt::format("w{}@{}={:x} ", size, offset, value);
    }
    std::string take_log() { return std::exchange(log_, {}); }

 private:
    Rules rules_;
    std::string log_;
};

class AddressSpaceTest : public testing::Test {
 protected:
    RamList ram_list_;
    RamBlock& block_ = **ram_list_.create_block("ram", 0x2000, RamBlock::Kind::kRam);
    MemoryRegion root_ = MemoryRegion::container("root", 0);
    MemoryRegion ram_ = MemoryRegion::ram("ram", block_);
};

TEST_F(AddressSpaceTest, wide_access_is_split_to_what_the_device_takes) {
    RecordingDevice device({.min_size = 1, .max_size = 2});
    MemoryRegion io = MemoryRegion::io("io", 8, device);
    root_.add_child(0x100, io);
    AddressSpace space(root_);

    EXPECT_EQ(space.load(PhysAddr(0x100), 4), 0x44332211u);
    EXPECT_EQ(device.take_log(), "r2@0 r2@2 ");
    space.store(PhysAddr(0x104), 4, 0xaabbccdd);
    EXPECT_EQ(device.take_log(), "w2@4=ccdd w2@6=aabb ");
}

TEST_F(AddressSpaceTest, narrow_read_comes_from_the_containing_unit) {
    RecordingDevice device({.min_size = 4, .max_size = 4});
    MemoryRegion io = MemoryRegion::io("io", 8, device);
    root_.add_child(0, io);
    AddressSpace space(root_);

    EXPECT_EQ(space.load(PhysAddr(2), 1), 0x33u);
    EXPECT_EQ(device.take_log(), "r4@0 ");
}

TEST_F(AddressSpaceTest, nobody_answers_reads_ones_and_drops_writes) {
    AddressSpace space(root_);
    EXPECT_EQ(space.load(PhysAddr(0x5000), 4), 0xffffffffu);
    space.store(PhysAddr(0x5000), 4, 1);
}

TEST_F(AddressSpaceTest, access_crossing_the_end_of_ram_is_split) {
    root_.add_child(0, ram_);
    AddressSpace space(root_);
    space.store(PhysAddr(0x1ffe), 4, 0x11223344);
    EXPECT_EQ(space.load(PhysAddr(0x1ffe), 4), 0xffff3344u);
    EXPECT_EQ(space.load(PhysAddr(0xffffffffffffffffu), 1), 0xffu);
}

TEST_F(AddressSpaceTest, write_through_a_read_only_alias_is_dropped) {
    MemoryRegion shadow = MemoryRegion::alias("shadow", ram_, 0, 0x1000);
    shadow.set_read_only(true);
    root_.add_child(0x8000, shadow);
    AddressSpace space(root_);
    space.store(PhysAddr(0x8000), 4, 0x55);
    EXPECT_EQ(space.load(PhysAddr(0x8000), 4), 0u);
}

TEST_F(AddressSpaceTest, rebuild_tells_listeners_only_about_changes) {
    struct Counter final : AddressSpaceListener {
        int calls = 0;
        void view_changed(const FlatView&, const FlatView&) override { ++calls; }
    } counter;
    AddressSpace space(root_);
    space.add_listener(counter);
    uint64_t generation = space.generation();
    space.rebuild();
    EXPECT_EQ(counter.calls, 0);
    root_.add_child(0, ram_);
    space.rebuild();
    EXPECT_EQ(counter.calls, 1);
    EXPECT_GT(space.generation(), generation);
}

}  // namespace
}  // namespace qc::memory
