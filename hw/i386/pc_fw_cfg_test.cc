// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_fw_cfg.h"

#include <gtest/gtest.h>

#include "block/test_support.h"
#include "hw/core/fake_machine.h"

namespace qc::hw {
namespace {

struct Fixture {
    Fixture() { machine.context.io.rebuild(); }
    void add_disk(const std::string& id, const std::string& options) {
        ASSERT_TRUE(drives.add(
            OptionString::parse("if=none,id=" + id + ",file=" + file.path(), "").value()));
        auto parsed = OptionString::parse("drive=" + id + "," + options, "").value();
        auto properties = qom::PropertyValues::from_options(kIdeHdType, parsed).value();
        auto added = disks.add_device(kIdeHdType, id, properties, drives);
        if (!added) error = added.error().message();
    }
    // The contents of a file, empty if there is none.
    std::string read_file(std::string_view name) {
        select(fw_cfg::kFileDirectory);
        std::string count = read(4);
        for (int left = count[3]; left > 0; --left) {
            std::string entry = read(64);
            if (std::string_view(entry.c_str() + 8) != name) continue;
            select(static_cast<uint16_t>(static_cast<uint8_t>(entry[4]) << 8 |
                                         static_cast<uint8_t>(entry[5])));
            return read(static_cast<uint8_t>(entry[2]) << 8 | static_cast<uint8_t>(entry[3]));
        }
        return {};
    }
    void select(uint16_t key) { machine.context.io.store(memory::PhysAddr(0x510), 2, key); }
    std::string read(size_t bytes) {
        std::string text;
        for (size_t i = 0; i < bytes; ++i)
            text += static_cast<char>(machine.context.io.load(memory::PhysAddr(0x511), 1));
        return text;
    }

    block::TemporaryFile file{512 * 100};
    FakeMachine machine;
    FwCfg device{machine.context};
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    block::DriveTable drives{{.snapshot = true}, {*loop, machine.context.lock}};
    IdeDisks disks;
    std::string error;
};

TEST(PcFwCfg, sleeping_states_are_told) {
    Fixture with, without;
    ASSERT_TRUE(fill_fw_cfg(with.device, {.ram_below_4g = 1 << 24, .disks = &with.disks}));
    EXPECT_EQ(with.read_file("etc/system-states"), std::string("\x80\0\0\x81\x82\x80", 6));
    ASSERT_TRUE(fill_fw_cfg(
        without.device,
        {.ram_below_4g = 1 << 24, .disks = &without.disks, .sleeps = {.s3 = false, .s4 = false}}));
    EXPECT_EQ(without.read_file("etc/system-states"), std::string("\x80\0\0\x01\x02\x80", 6));
}

TEST(PcFwCfg, memory_map_has_both_pieces_of_ram) {
    Fixture f;
    ASSERT_TRUE(fill_fw_cfg(f.device, {.ram_below_4g = 0xc0000000,
                                       .ram_above_4g = 0x40000000,
                                       .cpus = PcCpus::flat(3),
                                       .disks = &f.disks}));
    std::string map = f.read_file("etc/e820");
    ASSERT_EQ(map.size(), 60u);
    EXPECT_EQ(map.substr(28, 4), std::string("\x00\x00\x00\xc0", 4));
    EXPECT_EQ(map.substr(40, 8), std::string("\0\0\0\0\1\0\0\0", 8));
    EXPECT_EQ(map.substr(48, 4), std::string("\x00\x00\x00\x40", 4));
    f.select(fw_cfg::kCpuCount);
    EXPECT_EQ(f.read(2), std::string("\3\0", 2));
    f.select(fw_cfg::kUuid);
    EXPECT_EQ(f.read(16), std::string(16, '\0'));
}

TEST(PcFwCfg, processors_are_counted_and_bounded_by_the_last_apic_id) {
    Fixture f;
    ASSERT_TRUE(fill_fw_cfg(f.device, {.ram_below_4g = 1 << 24,
                                       .cpus = {.possible = {{0}, {1}, {4}, {5}}, .present = 3},
                                       .disks = &f.disks}));
    f.select(fw_cfg::kCpuCount);
    EXPECT_EQ(f.read(2), std::string("\3\0", 2));
    f.select(fw_cfg::kMaxCpus);
    EXPECT_EQ(f.read(2), std::string("\6\0", 2));
}

TEST(PcFwCfg, boot_order_lists_disks_by_index) {
    Fixture f;
    f.add_disk("a", "bus=ide.1,unit=1,bootindex=5");
    f.add_disk("b", "bus=ide.0,unit=0,bootindex=2");
    f.add_disk("c", "bus=ide.0,unit=1");
    ASSERT_TRUE(fill_fw_cfg(f.device, {.ram_below_4g = 1 << 24, .disks = &f.disks}));
    EXPECT_EQ(f.read_file("bootorder"), std::string("/pci@i0cf8/ide@1,1/drive@0/disk@0\n"
                                                    "/pci@i0cf8/ide@1,1/drive@1/disk@1\0",
                                                    68));
    EXPECT_EQ(f.read_file("etc/boot-fail-wait"), "\xff\xff\xff\xff");
}

TEST(PcFwCfg, without_boot_index_there_is_no_boot_order) {
    Fixture f;
    f.add_disk("a", "");
    ASSERT_TRUE(fill_fw_cfg(f.device, {.ram_below_4g = 1 << 24, .disks = &f.disks}));
    EXPECT_EQ(f.read_file("bootorder"), "");
    EXPECT_EQ(f.error, "");
}

TEST(IdeDisks, boot_index_is_given_once) {
    Fixture f;
    f.add_disk("a", "bootindex=1");
    f.add_disk("b", "bootindex=1");
    EXPECT_EQ(f.error, "The bootindex 1 has already been used");
}

TEST(IdeDisks, places_are_filled_and_taken_ones_refused) {
    Fixture f;
    f.add_disk("a", "bus=ide.0,unit=1");
    f.add_disk("b", "");
    f.add_disk("c", "");
    ASSERT_EQ(f.disks.disks().size(), 3u);
    EXPECT_EQ(f.disks.disks()[1].unit, 0u);
    EXPECT_EQ(f.disks.disks()[2].channel, 1u);
    EXPECT_EQ(f.disks.disks()[2].config.serial, "QM00003");
    f.add_disk("d", "bus=ide.0,unit=1");
    EXPECT_EQ(f.error, "IDE unit 1 is in use");
}

TEST(IdeDisks, geometry_is_given_whole_and_in_range) {
    Fixture f;
    f.add_disk("a", "cyls=10,heads=4");
    EXPECT_EQ(f.error, "ide-hd needs cyls, heads and secs, or none of them");
    f.add_disk("b", "cyls=10,heads=17,secs=63");
    EXPECT_EQ(f.error, "heads must be between 1 and 16");
    f.add_disk("c", "cyls=10,heads=4,secs=17,serial=abc,model=m,ver=v");
    ASSERT_EQ(f.disks.disks().size(), 1u);
    EXPECT_EQ(f.disks.disks()[0].config.heads, 4);
    EXPECT_EQ(f.disks.disks()[0].config.serial, "abc");
    f.add_disk("d", "serial=123456789012345678901");
    EXPECT_NE(f.error.find("longer than 20"), std::string::npos);
}

}  // namespace
}  // namespace qc::hw
