// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/codec.h"

#include <gtest/gtest.h>

namespace qc::migration::heartbeat {
namespace {

Hello good_hello() {
    return {.instance = {std::byte{1}, std::byte{2}},
            .arbiter = {std::byte{9}},
            .policy = Policy::kAsk,
            .arbiter_kind = ArbiterKind::kFile,
            .interval_ms = 200,
            .timeout_ms = 2000,
            .pair = "web1",
            .host = "left"};
}

Result<Frame> parse(std::vector<std::byte> bytes) {
    std::span<const std::byte> all(bytes);
    FrameHeader header = TRY(parse_frame_header(all.first(kFrameHeaderSize)));
    return parse_frame(header, all.subspan(kFrameHeaderSize));
}

template <typename T>
void expect_round_trip(const T& frame) {
    Result<Frame> parsed = parse(encode(frame));
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(*parsed, Frame(frame));
}

std::string error_of(std::vector<std::byte> bytes) {
    Result<Frame> parsed = parse(std::move(bytes));
    return parsed ? "" : parsed.error().message();
}

TEST(HeartbeatCodecTest, frames_round_trip) {
    expect_round_trip(good_hello());
    expect_round_trip(Beat{.seq = 7,
                           .echo = 6,
                           .floor = 1ULL << 60,
                           .generation = ~0ULL,
                           .role = ColoMode::kSecondary,
                           .stand = Stand::kStoodDown});
    expect_round_trip(Bye{"the process ends"});
}

TEST(HeartbeatCodecTest, beat_has_its_golden_bytes) {
    const std::vector<std::byte> bytes = encode(Beat{.seq = 1,
                                                     .echo = 2,
                                                     .floor = 3,
                                                     .generation = 4,
                                                     .role = ColoMode::kPrimary,
                                                     .stand = Stand::kArmed});
    std::string text;
    for (std::byte byte : bytes)
        text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
    EXPECT_EQ(text,
              "5143484200010002"
              "00000024"
              "0000000000000001000000000000000200000000000000030000000000000004"
              "01020000");
}

TEST(HeartbeatCodecTest, what_is_no_heartbeat_is_named) {
    std::vector<std::byte> bytes = encode(good_hello());
    bytes[0] = std::byte{'G'};
    EXPECT_EQ(error_of(bytes), "this is not a heartbeat");
    bytes = encode(good_hello());
    bytes[5] = std::byte{2};
    EXPECT_EQ(error_of(bytes), "version 2 of the heartbeat is unknown");
    bytes = encode(good_hello());
    bytes[7] = std::byte{4};
    EXPECT_EQ(error_of(bytes), "a heartbeat's frame of type 4 is unknown");
    bytes = encode(good_hello());
    bytes[9] = std::byte{1};
    EXPECT_EQ(error_of(bytes), "a heartbeat's frame is too long");
}

TEST(HeartbeatCodecTest, bad_members_are_refused) {
    Hello hello = good_hello();
    hello.instance = kNoId;
    EXPECT_EQ(error_of(encode(hello)), "the instance is zero");
    hello = good_hello();
    hello.pair.clear();
    EXPECT_EQ(error_of(encode(hello)), "the pair has no name");
    hello = good_hello();
    hello.pair = std::string(65, 'x');
    EXPECT_EQ(error_of(encode(hello)), "the pair has more than 64 bytes");
    hello = good_hello();
    hello.host = "a\nb";
    EXPECT_EQ(error_of(encode(hello)), "the host has control characters");
    hello = good_hello();
    hello.timeout_ms = 200;
    EXPECT_NE(error_of(encode(hello)), "");
    EXPECT_EQ(error_of(encode(Beat{})), "a beat has the number 0");
    std::vector<std::byte> bytes = encode(Beat{.seq = 1});
    bytes[kFrameHeaderSize + 33] = std::byte{9};
    EXPECT_EQ(error_of(bytes), "stand 9 is unknown");
    bytes = encode(Beat{.seq = 1});
    bytes.back() = std::byte{1};
    EXPECT_EQ(error_of(bytes), "a reserved field is not zero");
}

TEST(HeartbeatCodecTest, every_cut_is_an_error) {
    const std::vector<std::byte> bytes = encode(good_hello());
    for (size_t size = kFrameHeaderSize; size < bytes.size(); ++size) {
        std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
        EXPECT_NE(error_of(cut), "") << size;
    }
}

}  // namespace
}  // namespace qc::migration::heartbeat
