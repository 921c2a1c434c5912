// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ata_drive.h"

#include <gtest/gtest.h>

#include <random>

namespace qc::hw {
namespace {

constexpr uint64_t kSectors = 100000;

AtaDriveConfig config_of(uint64_t sectors = kSectors) {
    AtaDriveConfig config{
        .sectors = sectors, .serial = "QM00001", .model = "QEMU HARDDISK", .version = "2.5+"};
    default_geometry(config);
    return config;
}

struct Fixture {
    AtaDrive drive{config_of()};

    void lba28(uint64_t lba, uint8_t count) {
        drive.write(ata::kSectorCount, count);
        drive.write(ata::kLbaLow, static_cast<uint8_t>(lba));
        drive.write(ata::kLbaMid, static_cast<uint8_t>(lba >> 8));
        drive.write(ata::kLbaHigh, static_cast<uint8_t>(lba >> 16));
        drive.write(ata::kDevice, static_cast<uint8_t>(0x40 | (lba >> 24 & 0xf)));
    }
    void lba48(uint64_t lba, uint16_t count) {
        drive.write(ata::kSectorCount, static_cast<uint8_t>(count >> 8));
        drive.write(ata::kLbaLow, static_cast<uint8_t>(lba >> 24));
        drive.write(ata::kLbaMid, static_cast<uint8_t>(lba >> 32));
        drive.write(ata::kLbaHigh, static_cast<uint8_t>(lba >> 40));
        lba28(lba & 0xffffff, static_cast<uint8_t>(count));
        drive.write(ata::kDevice, 0x40);
    }
    std::vector<std::byte> block(uint32_t sectors, uint8_t seed) {
        return std::vector<std::byte>(sectors * 512, std::byte{seed});
    }
    uint8_t error() const { return drive.read(ata::kFeatures, false); }
    bool failed() const { return (drive.status() & ata::kStatusError) != 0; }
};

TEST(AtaDrive, after_reset_it_shows_the_signature_of_a_disk) {
    Fixture f;
    EXPECT_EQ(f.drive.status(), 0x50);
    EXPECT_EQ(f.error(), 0x01);
    EXPECT_EQ(f.drive.read(ata::kSectorCount, false), 1);
    EXPECT_EQ(f.drive.read(ata::kLbaLow, false), 1);
    EXPECT_EQ(f.drive.read(ata::kLbaMid, false), 0);
    EXPECT_EQ(f.drive.read(ata::kLbaHigh, false), 0);
}

TEST(AtaDrive, read_sectors_asks_sector_by_sector) {
    Fixture f;
    f.lba28(77, 2);
    f.drive.command(0x20);
    EXPECT_EQ(f.drive.status() & ata::kStatusBusy, ata::kStatusBusy);
    auto request = f.drive.take_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->operation, AtaOperation::kRead);
    EXPECT_EQ(request->lba, 77u);
    EXPECT_EQ(request->sectors, 1u);
    EXPECT_FALSE(f.drive.take_request()) << "a request is handed out once";
    EXPECT_FALSE(f.drive.interrupt());
    f.drive.finish_read(true, f.block(1, 0x5a));
    EXPECT_TRUE(f.drive.interrupt());
    EXPECT_EQ(f.drive.status(), 0x58);
    for (int i = 0; i < 256; ++i)
        EXPECT_EQ(f.drive.read_data(), 0x5a5a);
    EXPECT_EQ(f.drive.take_request()->lba, 78u);
    f.drive.finish_read(true, f.block(1, 0));
    for (int i = 0; i < 256; ++i)
        (void)f.drive.read_data();
    EXPECT_EQ(f.drive.status(), 0x50);
    EXPECT_FALSE(f.drive.take_request());
}

TEST(AtaDrive, write_sectors_takes_data_then_asks) {
    Fixture f;
    f.lba28(5, 1);
    f.drive.command(0x30);
    EXPECT_EQ(f.drive.status(), 0x58);
    EXPECT_FALSE(f.drive.interrupt()) << "the first block needs none";
    for (int i = 0; i < 256; ++i)
        f.drive.write_data(static_cast<uint16_t>(i));
    auto request = f.drive.take_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->operation, AtaOperation::kWrite);
    EXPECT_EQ(f.drive.write_block()[2], 1);
    f.drive.finish(true);
    EXPECT_TRUE(f.drive.interrupt());
    EXPECT_EQ(f.drive.status(), 0x50);
}

TEST(AtaDrive, write_without_cache_flushes_before_it_is_done) {
    Fixture f;
    f.drive.write(ata::kFeatures, 0x82);
    f.drive.command(0xef);
    EXPECT_EQ(f.drive.take_request()->operation, AtaOperation::kFlush);
    f.drive.finish(true);
    f.lba28(5, 1);
    f.drive.command(0x30);
    for (int i = 0; i < 256; ++i)
        f.drive.write_data(0);
    (void)f.drive.take_request();
    f.drive.finish(true);
    EXPECT_FALSE(f.drive.interrupt());
    EXPECT_EQ(f.drive.take_request()->operation, AtaOperation::kFlush);
    f.drive.finish(true);
    EXPECT_TRUE(f.drive.interrupt());
}

TEST(AtaDrive, multiple_moves_blocks_and_a_short_rest) {
    Fixture f;
    f.drive.write(ata::kSectorCount, 4);
    f.drive.command(0xc6);
    EXPECT_FALSE(f.failed());
    f.lba28(10, 6);
    f.drive.command(0xc4);
    EXPECT_EQ(f.drive.take_request()->sectors, 4u);
    f.drive.finish_read(true, f.block(4, 1));
    for (int i = 0; i < 1024; ++i)
        (void)f.drive.read_data();
    auto rest = f.drive.take_request();
    EXPECT_EQ(rest->lba, 14u);
    EXPECT_EQ(rest->sectors, 2u);
}

TEST(AtaDrive, multiple_without_setting_aborts) {
    Fixture f;
    f.lba28(10, 6);
    f.drive.command(0xc4);
    EXPECT_TRUE(f.failed());
    EXPECT_EQ(f.error(), ata::kErrorAborted);
    f.drive.write(ata::kSectorCount, 5);
    f.drive.command(0xc6);
    EXPECT_EQ(f.error(), ata::kErrorAborted) << "not a power of two";
}

TEST(AtaDrive, counts_of_zero_mean_the_most) {
    Fixture f;
    f.lba28(0, 0);
    f.drive.command(0xc8);
    EXPECT_EQ(f.drive.dma()->sectors, 256u);
    f.drive.soft_reset();
    f.lba48(0, 0);
    f.drive.command(0x25);
    EXPECT_EQ(f.drive.dma()->sectors, 65536u);
}

TEST(AtaDrive, addresses_past_the_end_are_not_found) {
    Fixture f;
    f.lba28(kSectors - 1, 2);
    f.drive.command(0x20);
    EXPECT_TRUE(f.failed());
    EXPECT_EQ(f.error(), ata::kErrorIdNotFound);
    EXPECT_TRUE(f.drive.interrupt());
    f.lba48(uint64_t{1} << 47, 1);
    f.drive.command(0x24);
    EXPECT_EQ(f.error(), ata::kErrorIdNotFound);
    f.lba28(kSectors - 1, 1);
    f.drive.command(0x20);
    EXPECT_FALSE(f.failed());
}

TEST(AtaDrive, cylinder_head_sector_is_translated) {
    Fixture f;
    f.drive.write(ata::kSectorCount, 1);
    f.drive.write(ata::kLbaLow, 3);
    f.drive.write(ata::kLbaMid, 2);
    f.drive.write(ata::kLbaHigh, 0);
    f.drive.write(ata::kDevice, 5);
    f.drive.command(0x20);
    EXPECT_EQ(f.drive.take_request()->lba, (2u * 16 + 5) * 63 + 2);
    f.drive.soft_reset();
    f.drive.write(ata::kLbaLow, 0);
    f.drive.command(0x20);
    EXPECT_EQ(f.error(), ata::kErrorIdNotFound) << "sectors count from 1";
}

TEST(AtaDrive, initialize_parameters_changes_the_translation) {
    Fixture f;
    f.drive.write(ata::kSectorCount, 10);
    f.drive.write(ata::kDevice, 3);
    f.drive.command(0x91);
    f.drive.write(ata::kSectorCount, 1);
    f.drive.write(ata::kLbaLow, 1);
    f.drive.write(ata::kLbaMid, 1);
    f.drive.write(ata::kLbaHigh, 0);
    f.drive.write(ata::kDevice, 0);
    f.drive.command(0x20);
    EXPECT_EQ(f.drive.take_request()->lba, 40u);
}

TEST(AtaDrive, high_order_byte_is_the_one_written_before) {
    Fixture f;
    f.drive.write(ata::kLbaMid, 0x12);
    f.drive.write(ata::kLbaMid, 0x34);
    EXPECT_EQ(f.drive.read(ata::kLbaMid, false), 0x34);
    EXPECT_EQ(f.drive.read(ata::kLbaMid, true), 0x12);
    f.lba48(0x12345, 1);
    f.drive.command(0x24);
    EXPECT_EQ(f.drive.take_request()->lba, 0x12345u);
}

TEST(AtaDrive, identify_tells_size_model_and_serial) {
    Fixture f;
    f.drive.command(0xec);
    EXPECT_EQ(f.drive.status(), 0x58);
    EXPECT_TRUE(f.drive.interrupt());
    std::array<uint16_t, 256> words{};
    for (uint16_t& word : words)
        word = f.drive.read_data();
    EXPECT_EQ(f.drive.status(), 0x50);
    EXPECT_EQ(words[60] | words[61] << 16, static_cast<int>(kSectors));
    EXPECT_EQ(words[100] | words[101] << 16, static_cast<int>(kSectors));
    EXPECT_EQ(words[27], 'Q' << 8 | 'E');
    EXPECT_EQ(words[10], 'Q' << 8 | 'M');
    EXPECT_EQ(words[46], ' ' << 8 | ' ');
    EXPECT_EQ(words[3], 16);
    EXPECT_EQ(words[6], 63);
    EXPECT_EQ(words[49] & 0x0300, 0x0300) << "LBA and DMA";
    EXPECT_EQ(words[83] & 0x0400, 0x0400) << "48-bit";
}

TEST(AtaDrive, transfer_mode_shows_in_identify) {
    Fixture f;
    f.drive.write(ata::kFeatures, 0x03);
    f.drive.write(ata::kSectorCount, 0x45);
    f.drive.command(0xef);
    EXPECT_FALSE(f.failed());
    f.drive.command(0xec);
    std::array<uint16_t, 256> words{};
    for (uint16_t& word : words)
        word = f.drive.read_data();
    EXPECT_EQ(words[88], 0x203f);
    f.drive.write(ata::kFeatures, 0x03);
    f.drive.write(ata::kSectorCount, 0x47);
    f.drive.command(0xef);
    EXPECT_EQ(f.error(), ata::kErrorAborted);
}

TEST(AtaDrive, disk_errors_are_told_with_their_place) {
    Fixture f;
    f.lba28(0x123, 3);
    f.drive.command(0x20);
    (void)f.drive.take_request();
    f.drive.finish_read(false, {});
    EXPECT_TRUE(f.failed());
    EXPECT_EQ(f.error(), ata::kErrorUncorrectable);
    EXPECT_EQ(f.drive.read(ata::kLbaLow, false), 0x23);
    EXPECT_EQ(f.drive.read(ata::kLbaMid, false), 0x01);
    f.drive.command(0xe7);
    (void)f.drive.take_request();
    f.drive.finish(false);
    EXPECT_EQ(f.error(), ata::kErrorAborted);
}

TEST(AtaDrive, unknown_and_packet_commands_abort) {
    Fixture f;
    for (uint8_t opcode : {0x00, 0xa0, 0xa1, 0xb0, 0xff}) {
        f.drive.command(opcode);
        EXPECT_TRUE(f.failed()) << int{opcode};
        EXPECT_EQ(f.error(), ata::kErrorAborted);
        EXPECT_TRUE(f.drive.interrupt());
    }
}

TEST(AtaDrive, busy_drive_ignores_registers_and_commands) {
    Fixture f;
    f.lba28(1, 1);
    f.drive.command(0x20);
    f.drive.write(ata::kLbaLow, 9);
    f.drive.command(0xec);
    EXPECT_EQ(f.drive.take_request()->lba, 1u);
    EXPECT_EQ(f.drive.read(ata::kLbaLow, false), 1);
}

TEST(AtaDrive, dma_moves_until_nothing_is_left) {
    Fixture f;
    f.lba28(100, 10);
    f.drive.command(0xca);
    auto transfer = f.drive.dma();
    ASSERT_TRUE(transfer);
    EXPECT_FALSE(transfer->to_memory);
    f.drive.dma_moved(4);
    EXPECT_EQ(f.drive.dma()->lba, 104u);
    EXPECT_FALSE(f.drive.interrupt());
    f.drive.dma_moved(6);
    EXPECT_FALSE(f.drive.dma());
    EXPECT_TRUE(f.drive.interrupt());
    f.drive.dma_moved(6);
    f.drive.dma_failed();
    EXPECT_FALSE(f.failed());
}

TEST(AtaDrive, one_sector_disk_works) {
    AtaDrive drive(config_of(1));
    drive.command(0xec);
    for (int i = 0; i < 256; ++i)
        (void)drive.read_data();
    EXPECT_EQ(drive.status(), 0x50);
}

// A guest that does anything at all: nothing asserts, no request leaves the disk,
// and every state that can be saved can be loaded.
TEST(AtaDrive, random_guest_does_no_harm) {
    std::mt19937 random(17);
    Fixture f;
    constexpr uint8_t kLikely[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x35, 0x39, 0x91, 0xc4,
                                   0xc5, 0xc6, 0xc8, 0xca, 0xe7, 0xec, 0xef, 0x40, 0x70};
    for (int i = 0; i < 100000; ++i) {
        switch (random() % 8) {
            case 0: f.drive.command(kLikely[random() % std::size(kLikely)]); break;
            case 1: f.drive.command(static_cast<uint8_t>(random())); break;
            case 2:
            case 3:
                f.drive.write(1 + random() % 7,
                              static_cast<uint8_t>(random() % 3 ? random() % 4 : random()));
                break;
            case 4:
                for (int n = 0; n < 300; ++n)
                    (void)f.drive.read_data();
                break;
            case 5:
                for (int n = 0; n < 300; ++n)
                    f.drive.write_data(static_cast<uint16_t>(random()));
                break;
            case 6: (void)f.drive.read(random() % 8, random() % 2); break;
            case 7: {
                if (auto transfer = f.drive.dma()) {
                    ASSERT_LE(transfer->lba + transfer->sectors, kSectors);
                    random() % 4 ? f.drive.dma_moved(random() % 300) : f.drive.dma_failed();
                }
                break;
            }
        }
        if (auto request = f.drive.take_request()) {
            if (request->operation != AtaOperation::kFlush) {
                ASSERT_GE(request->sectors, 1u);
                ASSERT_LE(request->lba + request->sectors, kSectors);
            }
            bool good = random() % 8 != 0;
            if (request->operation == AtaOperation::kRead) {
                f.drive.finish_read(good, f.block(request->sectors, 1));
            } else {
                f.drive.finish(good);
            }
        }
        if (i % 64 == 0 && (f.drive.status() & ata::kStatusBusy) == 0) {
            AtaDriveState state = f.drive.save();
            auto valid = f.drive.validate(state);
            ASSERT_TRUE(valid) << valid.error().message();
        }
        if (random() % 5000 == 0) f.drive.soft_reset();
    }
}

}  // namespace
}  // namespace qc::hw
