// SPDX-License-Identifier: GPL-2.0-or-later
//
// CD drives behind their controllers: data in both ways, trays, media that come and
// go while the drive is at work.
#include <gtest/gtest.h>

#include "hw/ide/ahci_test_guest.h"
#include "hw/ide/piix3_test_guest.h"

namespace qc::hw {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(Piix3Cdrom, signature_and_reset_alone) {
    Piix3IdeGuest f;
    EXPECT_EQ(f.in(0x174) | f.in(0x175) << 8, 0xeb14u);
    f.packet({0x28, 0, 0, 0, 0, 1, 0, 0, 1});
    EXPECT_EQ(f.in(0x177) & 0x80u, 0x80u);
    f.out(0x177, 0x08);
    EXPECT_EQ(f.in(0x177), 0u);
    f.cd.complete();
    EXPECT_EQ(f.in(0x177), 0u) << "a read from before the reset";
    EXPECT_FALSE(f.ide.irq(1).level());
}

// The disk of the same channel goes on with what it has.
TEST(Piix3Cdrom, device_reset_leaves_the_neighbour_alone) {
    FakeDisk disk(64), cd(256);
    FakeMachine machine;
    Piix3Ide ide(machine.context);
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    ASSERT_TRUE(bus.plug(ide, {1, 1}));
    AtaDriveConfig config{.sectors = 64, .serial = "S", .model = "M", .version = "V"};
    default_geometry(config);
    ide.add_disk(0, 0, config, disk);
    ide.add_cdrom(0, 1, {}, cd);
    ide.reset();
    machine.context.io.rebuild();
    for (auto [port, value] : {std::pair<uint16_t, uint8_t>{0x1f6, 0xe0},
                               {0x1f2, 1},
                               {0x1f3, 2},
                               {0x1f4, 0},
                               {0x1f5, 0},
                               {0x1f7, 0x20},
                               {0x1f6, 0xf0},
                               {0x1f7, 0x08},
                               {0x1f6, 0xe0}}) {
        machine.out(port, value);
    }
    disk.complete();
    EXPECT_EQ(machine.in(0x1f7), 0x58u);
}

TEST(Piix3Cdrom, programmed_read) {
    Piix3IdeGuest f;
    f.packet({0x28, 0, 0, 0, 0, 3, 0, 0, 2});
    Bytes data;
    for (int block = 0; block < 2; ++block) {
        f.cd.complete();
        EXPECT_TRUE(f.ide.irq(1).level());
        EXPECT_EQ(f.in(0x177), 0x58u);
        EXPECT_FALSE(f.ide.irq(1).level());
        EXPECT_EQ(f.in(0x172), 2u);
        for (int i = 0; i < 512; ++i) {
            const uint32_t word = f.in(0x170, 4);
            for (int n = 0; n < 4; ++n)
                data.push_back(static_cast<uint8_t>(word >> (8 * n)));
        }
    }
    EXPECT_TRUE(f.ide.irq(1).level());
    EXPECT_EQ(f.in(0x177), 0x50u);
    EXPECT_EQ(f.in(0x172), 3u);
    EXPECT_TRUE(std::equal(data.begin(), data.end(), f.cd.bytes.begin() + 3 * 2048));
}

TEST(Piix3Cdrom, dma_of_blocks_and_of_a_reply) {
    Piix3IdeGuest f;
    f.descriptor(0, 0x8000, 0x800, false);
    f.descriptor(1, 0x20000, 0x800, true);
    f.packet({0xa8, 0, 0, 0, 0, 4, 0, 0, 0, 2}, 0, 1);
    f.start_cd_dma();
    f.cd.complete();
    EXPECT_TRUE(f.ide.irq(1).level());
    EXPECT_EQ(f.in(0x177), 0x50u);
    EXPECT_TRUE(std::equal(f.memory(0x8000), f.memory(0x8800), f.cd.bytes.begin() + 4 * 2048));
    EXPECT_TRUE(std::equal(f.memory(0x20000), f.memory(0x20800), f.cd.bytes.begin() + 5 * 2048));
    // More room than data: the bus master stays active, the interrupt comes.
    f.packet({0x12, 0, 0, 0, 36}, 0, 1);
    f.start_cd_dma();
    EXPECT_EQ(f.in(Piix3IdeGuest::kBusMaster + 10) & 7u, 5u);
    EXPECT_EQ(std::string(f.memory(0x8008), f.memory(0x800c)), "QEMU");
    EXPECT_EQ(f.in(0x177), 0x50u);
}

TEST(Piix3Cdrom, transfer_that_waits_for_its_bus_master_migrates) {
    Piix3IdeGuest f, other;
    f.packet({0xa8, 0, 0, 0, 0, 4, 0, 0, 0, 1}, 0, 1);
    ASSERT_TRUE(other.ide.validate(f.ide.save()));
    other.ide.restore(f.ide.save());
    other.descriptor(0, 0x8000, 0x800, true);
    other.start_cd_dma();
    other.cd.complete();
    EXPECT_EQ(other.in(0x177), 0x50u);
    EXPECT_TRUE(
        std::equal(other.memory(0x8000), other.memory(0x8800), other.cd.bytes.begin() + 4 * 2048));
}

TEST(Piix3Cdrom, guest_moves_the_tray_and_the_block_layer_hears_it) {
    Piix3IdeGuest f;
    ASSERT_NE(f.cd.tray, nullptr);
    f.packet({0x1e, 0, 0, 0, 1});
    EXPECT_TRUE(f.cd.tray->tray_locked());
    f.packet({0x1e});
    f.packet({0x1b, 0, 0, 0, 2});
    EXPECT_TRUE(f.cd.tray->tray_open());
    f.packet({0x1b, 0, 0, 0, 3});
    EXPECT_EQ(f.cd.moves, (std::vector<bool>{true, false}));
    f.cd.tray->move_tray(true);
    EXPECT_EQ(f.cd.moves.size(), 2u) << "the host knows what it does itself";
}

TEST(Piix3Cdrom, medium_that_shrinks_under_a_read_is_an_error) {
    Piix3IdeGuest f;
    f.packet({0x28, 0, 0, 0, 0, 50, 0, 0, 10});
    f.cd.tray->move_tray(true);
    f.cd.bytes.resize(8 * 2048);
    f.cd.tray->medium_changed();
    f.cd.complete();
    EXPECT_EQ(f.in(0x177), 0x51u);
    EXPECT_EQ(f.in(0x171), 0x20u);
}

TEST(Piix3Cdrom, other_kind_of_drive_at_the_other_end_is_refused) {
    Piix3IdeGuest f;
    Piix3IdeState state = f.ide.save();
    ASSERT_TRUE(f.ide.validate(state));
    state.channels[1].packet[0].present = false;
    EXPECT_FALSE(f.ide.validate(state));
    state = f.ide.save();
    state.channels[0].packet[0].present = true;
    EXPECT_FALSE(f.ide.validate(state));
    state = f.ide.save();
    state.channels[1].packet[1].present = true;
    EXPECT_FALSE(f.ide.validate(state));
}

struct AhciCd : AhciGuest {
    AhciCd() {
        chosen = 1;
        start_port();
    }
    // The A bit and a FIS of five doublewords.
    void run(std::initializer_list<uint8_t> bytes, uint32_t room, uint8_t features = 1,
             uint16_t limit = 0) {
        set_port(ahci::kPortIs, 0xffffffff);
        header(0, room == 0 ? 0 : 1, 0x25);
        if (room != 0) region(0, 0, kData, room);
        packet(0, bytes, features, limit);
        issue(0);
        cd.complete();
    }
    uint32_t moved() { return get(kList + 4); }
};

TEST(AhciCdrom, signature_names_a_packet_device) {
    AhciCd f;
    EXPECT_EQ(f.port(ahci::kSig), 0xeb140101u);
    EXPECT_EQ(f.port(ahci::kTfd) & 0x89u, 0u);
}

TEST(AhciCdrom, blocks_by_dma) {
    AhciCd f;
    f.run({0x28, 0, 0, 0, 0, 7, 0, 0, 3}, 3 * 2048);
    EXPECT_EQ(f.port(ahci::kCi), 0u);
    EXPECT_EQ(f.port(ahci::kTfd) & 0xffu, 0x50u);
    EXPECT_EQ(f.moved(), 3u * 2048);
    EXPECT_TRUE(f.port(ahci::kPortIs) & ahci::kIsRegister);
    EXPECT_TRUE(
        std::equal(f.memory(f.kData), f.memory(f.kData + 3 * 2048), f.cd.bytes.begin() + 7 * 2048));
}

TEST(AhciCdrom, replies_by_dma_and_by_programmed_io) {
    AhciCd f;
    f.run({0x12, 0, 0, 0, 36}, 36);
    EXPECT_EQ(f.moved(), 36u);
    EXPECT_EQ(std::string(f.memory(f.kData + 8), f.memory(f.kData + 12)), "QEMU");
    f.run({0x12, 0, 0, 0, 36}, 36, 0, 16);
    EXPECT_EQ(f.moved(), 36u);
    EXPECT_EQ(f.port(ahci::kPortIs) & (ahci::kIsPioSetup | ahci::kIsRegister),
              ahci::kIsPioSetup | ahci::kIsRegister)
        << "data, and the status after them";
    EXPECT_EQ(f.port(ahci::kCi), 0u);
    f.run({0x28, 0, 0, 0, 0, 7, 0, 0, 3}, 3 * 2048, 0, 2048);
    EXPECT_TRUE(
        std::equal(f.memory(f.kData), f.memory(f.kData + 3 * 2048), f.cd.bytes.begin() + 7 * 2048));
}

TEST(AhciCdrom, packet_without_data) {
    AhciCd f;
    f.run({0x00}, 0, 0);
    EXPECT_EQ(f.port(ahci::kTfd) & 0xffu, 0x50u);
    EXPECT_EQ(f.moved(), 0u);
}

TEST(AhciCdrom, check_condition_halts_with_a_task_file_error) {
    AhciCd f;
    f.run({0xff}, 0, 0);
    EXPECT_EQ(f.port(ahci::kTfd), 0x5051u);
    EXPECT_TRUE(f.port(ahci::kPortIs) & ahci::kIsTaskFile);
}

TEST(AhciCdrom, data_without_room_is_an_overflow) {
    AhciCd f;
    f.run({0x12, 0, 0, 0, 36}, 16);
    EXPECT_TRUE(f.port(ahci::kPortIs) & ahci::kIsOverflow);
    EXPECT_TRUE(f.ahci.validate(f.ahci.save()));
}

TEST(AhciCdrom, identify_and_what_disks_only_have) {
    AhciCd f;
    f.header(0, 1);
    f.region(0, 0, f.kData, 512);
    f.fis(0, 0xa1, 0, 0, 0);
    f.issue(0);
    EXPECT_EQ(f.memory(f.kData)[0] | f.memory(f.kData)[1] << 8, 0x85c0);
    f.queued(0, 0x60, 0, 8);
    EXPECT_EQ(f.port(ahci::kTfd) & 0xffu, 0x51u);
    EXPECT_TRUE(f.cd.waiting.empty());
}

TEST(AhciCdrom, guest_moves_the_tray) {
    AhciCd f;
    f.run({0x1b, 0, 0, 0, 2}, 0, 0);
    EXPECT_EQ(f.cd.moves, std::vector<bool>{true});
}

}  // namespace
}  // namespace qc::hw
