// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/atapi_drive.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

constexpr uint32_t kBlocks = 100;
using Bytes = std::vector<uint8_t>;

uint8_t byte_of(uint64_t block, size_t i) {
    return static_cast<uint8_t>(block * 7 + i);
}

struct Fixture {
    Fixture() { drive.mmc().insert(kBlocks); }

    void packet(std::initializer_list<uint8_t> bytes, uint16_t limit = 0x1000,
                uint8_t features = 0) {
        drive.write(ata::kFeatures, features);
        drive.write(ata::kLbaMid, static_cast<uint8_t>(limit));
        drive.write(ata::kLbaHigh, static_cast<uint8_t>(limit >> 8));
        drive.command(0xa0);
        std::array<uint8_t, 12> packet{};
        std::copy(bytes.begin(), bytes.end(), packet.begin());
        for (size_t i = 0; i < packet.size(); i += 2)
            drive.write_data(static_cast<uint16_t>(packet[i] | packet[i + 1] << 8));
    }
    // What the disk is asked for, answered; true if it was.
    bool serve(bool good = true) {
        auto request = drive.take_request();
        if (!request) return false;
        EXPECT_EQ(request->operation, AtaOperation::kRead);
        EXPECT_EQ(request->lba % 4, 0u);
        Bytes data;
        for (uint32_t i = 0; i < request->sectors / 4; ++i)
            for (size_t n = 0; n < 2048; ++n)
                data.push_back(byte_of(request->lba / 4 + i, n));
        drive.finish_read(good, std::as_bytes(std::span(data)));
        return true;
    }
    unsigned byte_count() const {
        return drive.read(ata::kLbaMid, false) | drive.read(ata::kLbaHigh, false) << 8;
    }
    unsigned reason() const { return drive.read(ata::kSectorCount, false); }
    // The present DRQ block, through the data register.
    Bytes block() {
        Bytes data;
        const unsigned count = byte_count();
        EXPECT_EQ(reason(), 2u);
        EXPECT_TRUE(drive.interrupt());
        drive.clear_interrupt();
        for (unsigned i = 0; i < count; i += 2) {
            const uint16_t word = drive.read_data();
            data.push_back(static_cast<uint8_t>(word));
            data.push_back(static_cast<uint8_t>(word >> 8));
        }
        data.resize(count);
        return data;
    }
    void expect_done() {
        EXPECT_EQ(drive.phase(), AtaPhase::kIdle);
        EXPECT_EQ(drive.status(), 0x50);
        EXPECT_EQ(reason(), 3u);
        EXPECT_TRUE(drive.interrupt());
    }
    void check_state() {
        AtapiDrive other({});
        other.mmc().insert(kBlocks);
        const AtaDriveState state = drive.save();
        const AtapiState packet = drive.save_packet();
        ASSERT_TRUE(other.validate_packet(state, packet));
        other.restore(state);
        other.restore_packet(packet);
        EXPECT_EQ(other.status(), drive.status());
        EXPECT_EQ(other.read_block().size(), drive.read_block().size());
    }

    AtapiDrive drive{{.serial = "S", .model = "M", .version = "V"}};
};

TEST(AtapiDrive, reset_leaves_the_signature_and_a_drive_that_is_not_ready) {
    Fixture f;
    EXPECT_EQ(f.drive.status(), 0x00);
    EXPECT_EQ(f.drive.read(ata::kSectorCount, false), 1);
    EXPECT_EQ(f.drive.read(ata::kLbaLow, false), 1);
    EXPECT_EQ(f.byte_count(), 0xeb14u);
    EXPECT_EQ(f.drive.signature(), 0xeb140101u);
    f.check_state();
}

TEST(AtapiDrive, a_disk_s_commands_are_refused_with_the_signature) {
    Fixture f;
    for (uint8_t opcode : {0xec, 0x20, 0x30, 0xc8, 0x00, 0x91, 0x25, 0x60}) {
        f.drive.write(ata::kLbaMid, 0);
        f.drive.command(opcode);
        EXPECT_EQ(f.drive.status(), 0x51) << unsigned{opcode};
        EXPECT_EQ(f.drive.read(ata::kFeatures, false), 0x04);
        EXPECT_EQ(f.byte_count(), 0xeb14u);
    }
}

TEST(AtapiDrive, identify_describes_a_packet_device) {
    Fixture f;
    f.drive.command(0xa1);
    EXPECT_EQ(f.drive.status(), 0x58);
    EXPECT_EQ(f.drive.read_data(), 0x85c0);
    for (int i = 1; i < 256; ++i)
        (void)f.drive.read_data();
    EXPECT_EQ(f.drive.status(), 0x50);
    f.check_state();
}

TEST(AtapiDrive, command_without_data_ends_with_a_status) {
    Fixture f;
    f.packet({0x00});
    f.expect_done();
}

TEST(AtapiDrive, packet_is_asked_for_with_its_reason_and_without_an_interrupt) {
    Fixture f;
    f.drive.command(0xa0);
    EXPECT_EQ(f.drive.status(), 0x58);
    EXPECT_EQ(f.reason(), 1u);
    EXPECT_FALSE(f.drive.interrupt());
    EXPECT_TRUE(f.drive.wants_packet());
    f.check_state();
    f.drive.write(ata::kFeatures, 2);  // in the middle of it this is a register only
    for (int i = 0; i < 6; ++i)
        f.drive.write_data(0);
    f.expect_done();
}

TEST(AtapiDrive, overlapped_packets_are_refused) {
    Fixture f;
    f.drive.write(ata::kFeatures, 2);
    f.drive.command(0xa0);
    EXPECT_EQ(f.drive.status(), 0x51);
}

TEST(AtapiDrive, reply_comes_in_blocks_of_at_most_the_limit) {
    Fixture f;
    f.packet({0x12, 0, 0, 0, 36}, 16);
    EXPECT_EQ(f.byte_count(), 16u);
    Bytes data = f.block();
    f.check_state();
    for (const uint8_t byte : f.block())
        data.push_back(byte);
    EXPECT_EQ(f.byte_count(), 4u);
    for (const uint8_t byte : f.block())
        data.push_back(byte);
    f.expect_done();
    ASSERT_EQ(data.size(), 36u);
    EXPECT_EQ(std::string(data.begin() + 8, data.begin() + 12), "QEMU");
}

TEST(AtapiDrive, odd_reply_and_odd_limit) {
    Fixture f;
    f.packet({0x12, 0, 0, 0, 7}, 5);
    EXPECT_EQ(f.byte_count(), 4u) << "only the last block may be odd";
    (void)f.block();
    EXPECT_EQ(f.byte_count(), 3u);
    (void)f.block();
    f.expect_done();
    f.packet({0x12, 0, 0, 0, 7}, 1);
    EXPECT_EQ(f.byte_count(), 2u);
}

TEST(AtapiDrive, data_without_a_limit_is_aborted) {
    Fixture f;
    f.packet({0x12, 0, 0, 0, 36}, 0);
    EXPECT_EQ(f.drive.status(), 0x51);
    EXPECT_EQ(f.drive.read(ata::kFeatures, false), ata::kErrorAborted);
    f.packet({0x00}, 0);
    f.expect_done();
}

TEST(AtapiDrive, failure_shows_its_sense_key_and_keeps_the_rest) {
    Fixture f;
    f.packet({0xff});
    EXPECT_EQ(f.drive.status(), 0x51);
    EXPECT_EQ(f.drive.read(ata::kFeatures, false), 0x50);
    EXPECT_EQ(f.reason(), 3u);
    EXPECT_TRUE(f.drive.interrupt());
    f.packet({0x03, 0, 0, 0, 18});
    EXPECT_EQ(f.block()[12], 0x20);
}

TEST(AtapiDrive, programmed_read_goes_block_by_block) {
    Fixture f;
    f.packet({0x28, 0, 0, 0, 0, 5, 0, 0, 3}, 2048);
    EXPECT_EQ(f.drive.status() & 0x80, 0x80);
    for (unsigned block = 5; block < 8; ++block) {
        ASSERT_TRUE(f.serve());
        const Bytes data = f.block();
        ASSERT_EQ(data.size(), 2048u);
        EXPECT_EQ(data[9], byte_of(block, 9));
        EXPECT_EQ(f.drive.phase(), block < 7 ? AtaPhase::kDisk : AtaPhase::kIdle);
    }
    EXPECT_FALSE(f.serve());
    f.expect_done();
}

TEST(AtapiDrive, programmed_read_in_pieces_of_a_block_and_in_several) {
    Fixture f;
    f.packet({0x28, 0, 0, 0, 0, 5, 0, 0, 1}, 512);
    ASSERT_TRUE(f.serve());
    for (unsigned piece = 0; piece < 4; ++piece) {
        f.check_state();
        EXPECT_EQ(f.block()[3], byte_of(5, piece * 512 + 3));
    }
    f.expect_done();
    f.packet({0x28, 0, 0, 0, 0, 0, 0, 0, 40}, 0xfffe);
    size_t bytes = 0;
    while (f.serve())
        bytes += f.block().size();
    EXPECT_EQ(bytes, 40u * 2048);
    f.expect_done();
}

TEST(AtapiDrive, dma_read_is_the_bus_master_s) {
    Fixture f;
    f.packet({0xa8, 0, 0, 0, 0, 2, 0, 0, 0, 50}, 0, 1);
    EXPECT_FALSE(f.drive.take_request());
    f.check_state();
    auto transfer = f.drive.dma();
    ASSERT_TRUE(transfer);
    EXPECT_TRUE(transfer->to_memory);
    EXPECT_EQ(transfer->lba, 8u);
    EXPECT_EQ(transfer->sectors, 200u);
    f.drive.dma_moved(128);
    EXPECT_EQ(f.drive.dma()->lba, 8u + 128);
    f.drive.dma_moved(72);
    f.expect_done();
}

TEST(AtapiDrive, dma_of_a_reply_is_what_the_drive_holds) {
    Fixture f;
    f.packet({0x12, 0, 0, 0, 36}, 0, 1);
    f.check_state();
    ASSERT_TRUE(f.drive.dma());
    EXPECT_EQ(f.drive.dma()->held.size(), 36u);
    f.drive.dma_moved(0);
    f.expect_done();
}

TEST(AtapiDrive, raw_frames_by_dma_come_in_parts) {
    Fixture f;
    f.packet({0xbe, 0, 0, 0, 0, 1, 0, 0, 20, 0xf8}, 0, 1);
    ASSERT_TRUE(f.serve());
    EXPECT_EQ(f.drive.dma()->held.size(), 16u * 2352);
    f.check_state();
    EXPECT_EQ(f.drive.dma()->held[2352 + 16], byte_of(2, 0));
    f.drive.dma_moved(0);
    ASSERT_TRUE(f.serve());
    EXPECT_EQ(f.drive.dma()->held.size(), 4u * 2352);
    f.drive.dma_moved(0);
    f.expect_done();
}

TEST(AtapiDrive, failed_reads_are_medium_errors) {
    Fixture f;
    f.packet({0x28, 0, 0, 0, 0, 5, 0, 0, 3}, 2048);
    ASSERT_TRUE(f.serve(false));
    EXPECT_EQ(f.drive.status(), 0x51);
    EXPECT_EQ(f.drive.read(ata::kFeatures, false), 0x30);
    f.packet({0x28, 0, 0, 0, 0, 5, 0, 0, 3}, 2048, 1);
    f.drive.mmc().move_tray(true);
    f.drive.dma_failed();
    EXPECT_EQ(f.drive.read(ata::kFeatures, false), 0x20) << "the medium went meanwhile";
}

TEST(AtapiDrive, device_reset_works_in_the_middle_of_everything) {
    Fixture f;
    f.packet({0x28, 0, 0, 0, 0, 5, 0, 0, 3}, 2048);
    f.drive.command(0x08);
    EXPECT_EQ(f.drive.status(), 0x00);
    EXPECT_FALSE(f.drive.interrupt());
    EXPECT_FALSE(f.serve()) << "what was asked of the disk is void";
    f.check_state();
    f.packet({0x12, 0, 0, 0, 36}, 16);
    (void)f.drive.read_data();
    f.drive.command(0x08);
    EXPECT_EQ(f.drive.phase(), AtaPhase::kIdle);
    f.check_state();
}

TEST(AtapiDrive, abandoned_command_leaves_nothing_behind) {
    Fixture f;
    f.packet({0x12, 0, 0, 0, 36}, 16);
    f.drive.abandon();
    EXPECT_EQ(f.drive.phase(), AtaPhase::kIdle);
    f.check_state();
    f.packet({0x12, 0, 0, 0, 36}, 0, 1);
    f.drive.dma_dropped();
    EXPECT_FALSE(f.drive.interrupt());
    f.check_state();
}

TEST(AtapiDrive, power_commands_and_transfer_modes) {
    Fixture f;
    f.drive.command(0xe5);
    EXPECT_EQ(f.reason(), 0xffu);
    f.drive.write(ata::kFeatures, 3);
    f.drive.write(ata::kSectorCount, 0x42);
    f.drive.command(0xef);
    EXPECT_EQ(f.drive.status(), 0x50);
    f.drive.write(ata::kSectorCount, 0x47);
    f.drive.command(0xef);
    EXPECT_EQ(f.drive.status(), 0x51);
}

TEST(AtapiDrive, impossible_states_are_refused) {
    Fixture f;
    f.packet({0x12, 0, 0, 0, 36}, 16);
    const AtaDriveState drive = f.drive.save();
    const AtapiState packet = f.drive.save_packet();
    ASSERT_TRUE(f.drive.validate_packet(drive, packet));
    auto refuses = [&](auto change) {
        AtaDriveState changed = drive;
        AtapiState with = packet;
        change(changed, with);
        return !f.drive.validate_packet(changed, with);
    };
    EXPECT_TRUE(refuses([](auto&, auto& p) { p.present = false; }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.capacity = 1; }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.phase = AtaPhase::kDisk; }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.phase = AtaPhase::kDataOut; }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.phase = static_cast<AtaPhase>(9); }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.position = 16; }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.position = 3; }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.buffer.clear(); }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.operation = AtaOperation::kWrite; }));
    EXPECT_TRUE(refuses([](auto& d, auto&) { d.phase = AtaPhase::kIdle; })) << "with data";
    EXPECT_TRUE(refuses([](auto&, auto& p) { p.byte_limit = 0; }));
    EXPECT_TRUE(refuses([](auto&, auto& p) { p.fresh = true; }));
    EXPECT_TRUE(refuses([](auto&, auto& p) { p.frames = static_cast<MmcFrames>(2); }));
}

}  // namespace
}  // namespace qc::hw
