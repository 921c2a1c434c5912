// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/mmc_core.h"

#include <gtest/gtest.h>

#include <array>

#include "hw/ide/mmc_tables.h"

namespace qc::hw {
namespace {

constexpr uint32_t kBlocks = 5000;

struct Fixture {
    explicit Fixture(uint32_t blocks = kBlocks) { core.insert(blocks); }

    MmcReply run(std::initializer_list<uint8_t> bytes) {
        std::array<uint8_t, mmc::kPacketSize> packet{};
        std::copy(bytes.begin(), bytes.end(), packet.begin());
        return core.execute(packet);
    }
    // The data of a command that succeeds.
    std::vector<uint8_t> data(std::initializer_list<uint8_t> bytes) {
        const MmcReply reply = run(bytes);
        EXPECT_EQ(reply.kind, MmcReply::Kind::kData);
        return reply.data;
    }
    // The sense of one that fails, as the drive itself reports it.
    MmcSense sense(std::initializer_list<uint8_t> bytes) {
        EXPECT_EQ(run(bytes).kind, MmcReply::Kind::kFailed);
        return told();
    }
    MmcSense told() {
        const auto bytes = data({0x03, 0, 0, 0, 18});
        return {bytes[2], bytes[12], bytes[13]};
    }
    bool done(std::initializer_list<uint8_t> bytes) {
        return run(bytes).kind == MmcReply::Kind::kDone;
    }
    // Event and state of the drive.
    std::pair<uint8_t, uint8_t> event() {
        const auto bytes = data({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8});
        return {bytes[4], bytes[5]};
    }

    MmcCore core{{.serial = "QM00003"}};
};

using Bytes = std::vector<uint8_t>;

TEST(MmcCore, drive_with_a_medium_is_ready_at_once) {
    Fixture f;
    EXPECT_TRUE(f.done({0x00}));
    EXPECT_EQ(f.told(), MmcSense{});
}

TEST(MmcCore, empty_drive_says_so_and_forgets_it_when_told) {
    Fixture f(0);
    EXPECT_EQ(f.sense({0x00}), mmc::kNoMediumTrayShut);
    EXPECT_EQ(f.told(), MmcSense{});
    for (uint8_t opcode : {0x25, 0x28, 0x2b, 0x43, 0x51, 0xa8, 0xad, 0xb9, 0xbe})
        EXPECT_EQ(f.sense({opcode}), mmc::kNoMediumTrayShut) << unsigned{opcode};
    f.core.move_tray(true);
    EXPECT_EQ(f.sense({0x25}), mmc::kNoMediumTrayOpen);
}

TEST(MmcCore, unknown_command_is_refused) {
    Fixture f;
    for (uint8_t opcode : {0x04, 0x2a, 0x35, 0x55, 0x5c, 0xaa, 0xff})
        EXPECT_EQ(f.sense({opcode}), mmc::kNoSuchCommand) << unsigned{opcode};
}

TEST(MmcCore, inquiry_names_the_drive_as_far_as_there_is_room) {
    Fixture f;
    const auto bytes = f.data({0x12, 0, 0, 0, 96});
    ASSERT_EQ(bytes.size(), 36u);
    EXPECT_EQ(bytes[0], 0x05);
    EXPECT_EQ(bytes[1], 0x80);
    EXPECT_EQ(std::string(bytes.begin() + 8, bytes.end()), "QEMU    QEMU DVD-ROM    2.5+");
    EXPECT_EQ(f.data({0x12, 0, 0, 0, 5}).size(), 5u);
    EXPECT_EQ(f.data({0x12, 0, 0, 0, 0}).size(), 0u);
    EXPECT_EQ(f.sense({0x12, 0, 0x80, 0, 96}), mmc::kInvalidField);
}

TEST(MmcCore, vital_product_pages_are_those_that_are_listed) {
    Fixture f;
    const auto list = f.data({0x12, 1, 0, 0, 255});
    EXPECT_EQ(list, (Bytes{0x05, 0, 0, 3, 0x00, 0x80, 0x83}));
    EXPECT_EQ(f.data({0x12, 1, 0x80, 0, 255}).size(), 4u + 7u);
    EXPECT_EQ(f.data({0x12, 1, 0x83, 0, 255})[3], 4 + 8 + 7);
    EXPECT_EQ(f.sense({0x12, 1, 0x01, 0, 255}), mmc::kInvalidField);
}

TEST(MmcCore, capacity_is_the_last_block) {
    Fixture f;
    EXPECT_EQ(f.data({0x25}), (Bytes{0, 0, 0x13, 0x87, 0, 0, 8, 0}));
}

TEST(MmcCore, reads_name_blocks_that_exist) {
    Fixture f;
    MmcReply reply = f.run({0x28, 0, 0, 0, 0x13, 0x80, 0, 0, 8});
    EXPECT_EQ(reply.kind, MmcReply::Kind::kRead);
    EXPECT_EQ(reply.first, 0x1380u);
    EXPECT_EQ(reply.count, 8u);
    reply = f.run({0xa8, 0, 0, 0, 0, 1, 0, 0, 0x13, 0x87});
    EXPECT_EQ(reply.count, 0x1387u);
    EXPECT_TRUE(f.done({0x28, 0, 0, 0, 0, 1}));
    EXPECT_EQ(f.sense({0x28, 0, 0, 0, 0x13, 0x80, 0, 0, 9}), mmc::kPastEnd);
    EXPECT_EQ(f.sense({0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), mmc::kPastEnd);
    EXPECT_TRUE(f.done({0x2b, 0, 0, 0, 0x13, 0x87}));
    EXPECT_EQ(f.sense({0x2b, 0, 0, 0, 0x13, 0x88}), mmc::kPastEnd);
}

TEST(MmcCore, read_cd_gives_data_or_whole_frames_of_data_tracks) {
    Fixture f;
    MmcReply reply = f.run({0xbe, 0, 0, 0, 0, 16, 0, 0, 2, 0x10});
    EXPECT_EQ(reply.frames, MmcFrames::kData);
    reply = f.run({0xbe, 2 << 2, 0, 0, 0, 16, 0, 0, 2, 0xf8});
    EXPECT_EQ(reply.kind, MmcReply::Kind::kRead);
    EXPECT_EQ(reply.frames, MmcFrames::kRaw);
    EXPECT_TRUE(f.done({0xbe, 0, 0, 0, 0, 16, 0, 0, 2, 0}));
    EXPECT_EQ(f.sense({0xbe, 1 << 2, 0, 0, 0, 16, 0, 0, 2, 0x10}), mmc::kIllegalMode);
    EXPECT_EQ(f.sense({0xbe, 0, 0, 0, 0, 16, 0, 0, 2, 0x78}), mmc::kInvalidField);
    EXPECT_EQ(f.sense({0xbe, 0, 0, 0, 0, 16, 0, 0, 2, 0x10, 1}), mmc::kInvalidField);
    EXPECT_EQ(f.sense({0xbe, 0, 0, 0, 0x13, 0x88, 0, 0, 1, 0}), mmc::kPastEnd);
    // By time: 00:02:16 to 00:02:18.
    reply = f.run({0xb9, 0, 0, 0, 2, 16, 0, 2, 18, 0x10});
    EXPECT_EQ(reply.first, 16u);
    EXPECT_EQ(reply.count, 2u);
    EXPECT_EQ(f.sense({0xb9, 0, 0, 0, 1, 0, 0, 2, 0, 0x10}), mmc::kPastEnd);
    EXPECT_EQ(f.sense({0xb9, 0, 0, 0, 3, 0, 0, 2, 0, 0x10}), mmc::kPastEnd);
}

TEST(MmcCore, raw_frame_has_its_address_and_the_data) {
    Bytes out;
    append_raw_frame(out, 16, Bytes(2048, 0x55));
    ASSERT_EQ(out.size(), 2352u);
    EXPECT_EQ(
        Bytes(out.begin(), out.begin() + 17),
        (Bytes{0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0x00, 0x02, 0x16, 1, 0x55}));
    EXPECT_EQ(out[16 + 2048], 0);
}

TEST(MmcCore, table_of_contents_has_one_data_track) {
    Fixture f;
    EXPECT_EQ(f.data({0x43, 0, 0, 0, 0, 0, 0, 1, 0}),
              (Bytes{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0x13, 0x88}));
    EXPECT_EQ(f.data({0x43, 2, 0, 0, 0, 0, 0xaa, 1, 0}),
              (Bytes{0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 1, 8, 50}));
    EXPECT_EQ(f.data({0x43, 0, 1, 0, 0, 0, 0, 1, 0}),
              (Bytes{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0}));
    EXPECT_EQ(f.data({0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40}).size(), 12u) << "the old form";
    EXPECT_EQ(f.data({0x43, 2, 2, 0, 0, 0, 0, 1, 0}).size(), 4u + 4 * 11);
    EXPECT_EQ(f.sense({0x43, 0, 0, 0, 0, 0, 2, 1, 0}), mmc::kInvalidField);
    EXPECT_EQ(f.sense({0x43, 0, 5, 0, 0, 0, 0, 1, 0}), mmc::kInvalidField);
}

TEST(MmcCore, configuration_is_filtered_and_names_the_medium) {
    Fixture f;
    const auto all = f.data({0x46, 0, 0, 0, 0, 0, 0, 1, 0});
    EXPECT_EQ(all[3], all.size() - 4);
    EXPECT_EQ(all[7], 0x08);
    EXPECT_EQ(f.data({0x46, 2, 0, 3, 0, 0, 0, 1, 0}),
              (Bytes{0, 0, 0, 12, 0, 0, 0, 8, 0, 3, 3, 4, 0x29, 0, 0, 0}));
    EXPECT_EQ(f.data({0x46, 2, 0x12, 0x34, 0, 0, 0, 1, 0}).size(), 8u);
    EXPECT_LT(f.data({0x46, 1, 0, 0, 0, 0, 0, 1, 0}).size(), all.size());
    EXPECT_EQ(f.sense({0x46, 3, 0, 0, 0, 0, 0, 1, 0}), mmc::kInvalidField);
    Fixture dvd(kMaxCdBlocks + 1);
    EXPECT_EQ(dvd.data({0x46, 0, 0, 0, 0, 0, 0, 1, 0})[7], 0x10);
    Fixture empty(0);
    EXPECT_EQ(empty.data({0x46, 0, 0, 0, 0, 0, 0, 1, 0})[7], 0x00);
}

TEST(MmcCore, mode_pages_in_both_forms) {
    Fixture f;
    EXPECT_EQ(f.data({0x5a, 0, 0x01, 0, 0, 0, 0, 1, 0}),
              (Bytes{0, 14, 1, 0, 0, 0, 0, 0, 0x01, 6, 0, 5, 0, 0, 0, 0}));
    EXPECT_EQ(f.data({0x1a, 0, 0x01, 0, 255}), (Bytes{11, 1, 0, 0, 0x01, 6, 0, 5, 0, 0, 0, 0}));
    EXPECT_EQ(f.data({0x5a, 0, 0x3f, 0, 0, 0, 0, 1, 0}).size(), 8u + 8 + 16 + 20);
    EXPECT_EQ(f.data({0x5a, 0, 0x41, 0, 0, 0, 0, 1, 0})[11], 0) << "nothing can be changed";
    EXPECT_EQ(f.sense({0x5a, 0, 0xc1, 0, 0, 0, 0, 1, 0}), mmc::kNothingSaved);
    EXPECT_EQ(f.sense({0x5a, 0, 0x05, 0, 0, 0, 0, 1, 0}), mmc::kInvalidField);
    EXPECT_EQ(f.sense({0x5a, 0, 0x3f, 1, 0, 0, 0, 1, 0}), mmc::kInvalidField);
    const auto before = f.data({0x5a, 0, 0x2a, 0, 0, 0, 0, 1, 0});
    EXPECT_TRUE(f.done({0x1e, 0, 0, 0, 1}));
    EXPECT_EQ(f.data({0x5a, 0, 0x2a, 0, 0, 0, 0, 1, 0})[14], before[14] | 2) << "locked";
}

TEST(MmcCore, guest_opens_and_shuts_the_tray_unless_it_is_locked) {
    Fixture f;
    EXPECT_TRUE(f.done({0x1e, 0, 0, 0, 1}));
    EXPECT_EQ(f.sense({0x1b, 0, 0, 0, 2}), mmc::kRemovalPrevented);
    EXPECT_FALSE(f.core.take_tray_moved());
    EXPECT_TRUE(f.done({0x1e}));
    EXPECT_TRUE(f.done({0x1b, 0, 0, 0, 2}));
    EXPECT_TRUE(f.core.take_tray_moved());
    EXPECT_FALSE(f.core.take_tray_moved());
    EXPECT_TRUE(f.core.tray_open());
    EXPECT_EQ(f.event(), std::pair(uint8_t{3}, uint8_t{1}));
    EXPECT_EQ(f.sense({0x00}), mmc::kNoMediumTrayOpen);
    EXPECT_TRUE(f.done({0x1b, 0, 0, 0, 3}));
    EXPECT_FALSE(f.core.tray_open());
    EXPECT_EQ(f.event(), std::pair(uint8_t{2}, uint8_t{2}));
    EXPECT_EQ(f.sense({0x00}), mmc::kMediumChanged);
    EXPECT_TRUE(f.done({0x00}));
    // Neither a disc that turns nor a power condition has to do with the tray.
    EXPECT_TRUE(f.done({0x1b, 0, 0, 0, 1}));
    EXPECT_TRUE(f.done({0x1b, 0, 0, 0, 0x32}));
    EXPECT_FALSE(f.core.tray_open());
}

TEST(MmcCore, new_medium_is_told_once_by_attention_and_event) {
    Fixture f(0);
    f.core.change_medium(100);
    EXPECT_EQ(f.data({0x12, 0, 0, 0, 36}).size(), 36u) << "not by this one";
    EXPECT_EQ(f.event(), std::pair(uint8_t{2}, uint8_t{2}));
    EXPECT_EQ(f.event(), std::pair(uint8_t{0}, uint8_t{2}));
    EXPECT_EQ(f.sense({0x28, 0, 0, 0, 0, 0, 0, 0, 1}), mmc::kMediumChanged);
    EXPECT_EQ(f.run({0x28, 0, 0, 0, 0, 0, 0, 0, 1}).kind, MmcReply::Kind::kRead);
    // Who asks without having been refused gets it too.
    f.core.change_medium(200);
    EXPECT_EQ(f.told(), mmc::kMediumChanged);
    EXPECT_TRUE(f.done({0x00}));
    f.core.change_medium(0);
    EXPECT_EQ(f.event(), std::pair(uint8_t{3}, uint8_t{0}));
    EXPECT_EQ(f.sense({0x00}), mmc::kNoMediumTrayShut);
}

TEST(MmcCore, eject_request_waits_until_it_is_read_in_full) {
    Fixture f;
    f.core.request_eject();
    EXPECT_EQ(f.data({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 4}).size(), 4u);
    EXPECT_EQ(f.event().first, 1);
    EXPECT_EQ(f.event().first, 0);
    EXPECT_EQ(f.data({0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8}), (Bytes{0, 2, 0x80, 0x10}));
    EXPECT_EQ(f.sense({0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8}), mmc::kInvalidField);
}

TEST(MmcCore, other_tables_have_their_lengths) {
    Fixture f;
    EXPECT_EQ(f.data({0x51, 0, 0, 0, 0, 0, 0, 1, 0}).size(), 34u);
    EXPECT_EQ(f.sense({0x51, 1, 0, 0, 0, 0, 0, 1, 0}), mmc::kInvalidField);
    EXPECT_EQ(f.data({0xbd, 0, 0, 0, 0, 0, 0, 0, 1, 0}).size(), 8u);
    EXPECT_EQ(f.sense({0xad, 0, 0, 0, 0, 0, 0, 0, 8, 4}), mmc::kWrongFormat);
    EXPECT_TRUE(f.done({0xbb, 0, 0xff, 0xff, 0xff, 0xff}));
    Fixture dvd(kMaxCdBlocks + 1);
    const auto physical = dvd.data({0xad, 0, 0, 0, 0, 0, 0, 0, 8, 4});
    EXPECT_EQ(physical.size(), 2052u);
    EXPECT_EQ(physical[0] << 8 | physical[1], 2050);
    EXPECT_EQ(dvd.data({0xad, 0, 0, 0, 0, 0, 0, 1, 8, 4}).size(), 8u);
    EXPECT_EQ(dvd.data({0xad, 0, 0, 0, 0, 0, 0, 0xff, 8, 4}).size(), 4u + 3 * 4);
    EXPECT_EQ(dvd.sense({0xad, 0, 0, 0, 0, 0, 1, 0, 8, 4}), mmc::kInvalidField);
    EXPECT_EQ(dvd.sense({0xad, 0, 0, 0, 0, 0, 0, 2, 8, 4}), mmc::kInvalidField);
}

TEST(MmcCore, failed_read_says_whether_there_is_a_medium) {
    Fixture f;
    f.core.fail_read();
    EXPECT_EQ(f.told(), mmc::kReadError);
    f.core.move_tray(true);
    f.core.fail_read();
    EXPECT_EQ(f.told(), mmc::kNoMediumTrayOpen);
}

TEST(MmcCore, reset_unlocks_and_leaves_the_tray) {
    Fixture f;
    EXPECT_TRUE(f.done({0x1b, 0, 0, 0, 2}));
    EXPECT_TRUE(f.done({0x1e, 0, 0, 0, 1}));
    f.core.reset();
    EXPECT_FALSE(f.core.locked());
    EXPECT_TRUE(f.core.tray_open());
}

TEST(MmcCore, state_fits_another_medium_only_behind_an_open_tray) {
    Fixture f, other(4000);
    auto refused = other.core.validate(f.core.save());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(),
              "the medium in the drive has 5000 blocks there and 4000 here");
    f.core.move_tray(true);
    EXPECT_TRUE(other.core.validate(f.core.save()));
    other.core.restore(f.core.save());
    EXPECT_TRUE(other.core.tray_open());
    EXPECT_EQ(other.core.save().blocks, f.core.save().blocks) << "two hosts, one state";
    other.core.move_tray(false);
    EXPECT_EQ(other.core.save().blocks, 4000u);
    MmcState bad = f.core.save();
    bad.event = static_cast<MmcEvent>(4);
    EXPECT_FALSE(f.core.validate(bad));
}

}  // namespace
}  // namespace qc::hw
