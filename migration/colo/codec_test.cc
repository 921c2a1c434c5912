// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/codec.h"

#include <gtest/gtest.h>

#include "util/bytes.h"

namespace qc::migration::colo {
namespace {

// Encodes, parses, and gives back the message with its epoch.
template <typename M>
M round_trip(const M& message, uint64_t epoch = 7) {
    std::vector<std::byte> bytes = encode(epoch, message);
    Result<Header> header = parse_header(std::span(bytes).first(kHeaderSize));
    EXPECT_TRUE(header);
    EXPECT_EQ(header->epoch, epoch);
    EXPECT_EQ(header->length, bytes.size() - kHeaderSize);
    Result<Message> parsed = parse_payload(*header, std::span(bytes).subspan(kHeaderSize));
    EXPECT_TRUE(parsed) << parsed.error().message();
    EXPECT_TRUE(std::holds_alternative<M>(*parsed));
    return std::get<M>(*parsed);
}

std::string header_error(std::vector<std::byte> bytes, size_t offset, uint8_t value) {
    bytes[offset] = std::byte{value};
    Result<Header> header = parse_header(bytes);
    return header ? "" : header.error().message();
}

std::string payload_error(MessageType type, std::vector<std::byte> payload) {
    Header header{type, 1, static_cast<uint32_t>(payload.size())};
    Result<Message> message = parse_payload(header, payload);
    return message ? "" : message.error().message();
}

std::vector<std::byte> words(std::initializer_list<uint32_t> values) {
    ByteWriter out;
    for (uint32_t value : values)
        out.be32(value);
    return out.take();
}

TEST(CodecTest, messages_without_payload_round_trip) {
    round_trip(EnteredMessage{});
    round_trip(TakesOverMessage{});
    round_trip(StoppedMessage{});
    round_trip(ReceivedMessage{});
    round_trip(CommittedMessage{});
}

TEST(CodecTest, checkpoint_keeps_its_cause) {
    EXPECT_EQ(round_trip(CheckpointMessage{Cause::kMismatch}).cause, Cause::kMismatch);
    EXPECT_EQ(round_trip(CheckpointMessage{Cause::kPeriod, Compare::kPieces}).compare,
              Compare::kPieces);
    EXPECT_EQ(round_trip(WantCheckpointMessage{Cause::kPressure}).cause, Cause::kPressure);
}

TEST(CodecTest, ready_keeps_its_version) {
    EXPECT_EQ(round_trip(ReadyMessage{}).version, kProtocolVersion);
}

TEST(CodecTest, commit_keeps_counts_and_flags) {
    CommitMessage commit{.pages = uint64_t{1} << 40,
                         .zero_pages = 5,
                         .patched = 6,
                         .equal = 7,
                         .digest = {8, 9},
                         .components = 12,
                         .flags = {.reset = true, .shutdown = false, .verify = true}};
    CommitMessage back = round_trip(commit);
    EXPECT_EQ(back.pages, commit.pages);
    EXPECT_EQ(back.zero_pages, 5u);
    EXPECT_EQ(back.patched, 6u);
    EXPECT_EQ(back.equal, 7u);
    EXPECT_EQ(back.digest, commit.digest);
    EXPECT_EQ(back.components, 12u);
    EXPECT_EQ(back.flags, commit.flags);
}

TEST(CodecTest, devices_keep_names_bytes_and_kind) {
    DevicesMessage devices;
    devices.components.push_back({"cpu", 0, 2, false, {std::byte{1}, std::byte{2}}});
    devices.components.push_back({"i8259", 1, 1, true, {}});
    EXPECT_EQ(round_trip(devices).components, devices.components);
}

TEST(CodecTest, leaves_keeps_its_text_and_control_characters_become_harmless) {
    LeavesMessage back = round_trip(LeavesMessage{LeaveReason::kFailed, "no\x1b[31m kernel"});
    EXPECT_EQ(back.reason, LeaveReason::kFailed);
    EXPECT_EQ(back.text, "no?[31m kernel");
}

TEST(CodecTest, hashes_round_trip) {
    HashesMessage hashes;
    hashes.blocks = {{{1, 2}, {3, 4}}, {}};
    hashes.components = {{5, 6}};
    HashesMessage back = round_trip(hashes);
    EXPECT_EQ(back.blocks, hashes.blocks);
    EXPECT_EQ(back.components, hashes.components);
}

TEST(CodecTest, header_has_the_documented_bytes) {
    std::vector<std::byte> bytes = encode(0x0102030405060708, CheckpointMessage{Cause::kRequest});
    const uint8_t expected[] = {'Q', 'C', 'O', 'L', 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
                                0,   0,   0,   8,   0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    ASSERT_EQ(bytes.size(), sizeof expected);
    EXPECT_TRUE(std::ranges::equal(bytes, std::as_bytes(std::span(expected))));
}

TEST(CodecTest, malformed_headers_are_refused) {
    std::vector<std::byte> good = encode(1, StoppedMessage{});
    good.resize(kHeaderSize);
    ASSERT_TRUE(parse_header(good));
    EXPECT_NE(header_error(good, 0, 'X'), "");
    EXPECT_NE(header_error(good, 5, 0x7f), "");   // type
    EXPECT_NE(header_error(good, 7, 1), "");      // reserved
    EXPECT_NE(header_error(good, 16, 0xff), "");  // length
    EXPECT_NE(header_error(good, 23, 1), "");     // reserved
    EXPECT_FALSE(parse_header(std::span(good).first(23)));
}

TEST(CodecTest, malformed_payloads_are_refused) {
    EXPECT_NE(payload_error(MessageType::kCheckpoint, words({99, 0})), "");
    EXPECT_NE(payload_error(MessageType::kCheckpoint, {}), "");
    EXPECT_NE(payload_error(MessageType::kCheckpoint, words({0, 3})), "");
    EXPECT_NE(payload_error(MessageType::kCheckpoint, words({0, 0, 0})), "");
    EXPECT_NE(payload_error(MessageType::kStopped, words({0})), "");
    EXPECT_NE(
        payload_error(MessageType::kCommit, words({0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x10})),
        "");
    EXPECT_NE(payload_error(MessageType::kLeaves, words({17})), "");
    EXPECT_NE(payload_error(MessageType::kLeaves, std::vector<std::byte>(4 + kMaxText + 1)), "");
    EXPECT_NE(payload_error(MessageType::kDevices, words({0xffffffff})), "");
    EXPECT_NE(payload_error(MessageType::kDevices, words({1})), "");
    EXPECT_NE(payload_error(MessageType::kHashes, words({1, 0xffffffff, 0xffffffff})), "");
    EXPECT_NE(payload_error(MessageType::kPages, words({0})), "");
}

TEST(CodecTest, unchanged_component_with_bytes_is_refused) {
    DevicesMessage devices;
    devices.components.push_back({"cpu", 0, 2, true, {std::byte{1}}});
    std::vector<std::byte> bytes = encode(1, devices);
    EXPECT_NE(payload_error(MessageType::kDevices, {bytes.begin() + kHeaderSize, bytes.end()}), "");
}

TEST(CodecTest, written_pages_round_trip) {
    WrittenMessage written{{.block = 2, .pages = 5, .runs = {{7, 2}, {9, 1}, {100, 2}}}};
    WrittenMessage back = round_trip(written);
    EXPECT_EQ(back.list.block, 2u);
    EXPECT_EQ(back.list.runs, written.list.runs);
}

TEST(CodecTest, written_pages_out_of_order_or_twice_are_refused) {
    auto error = [](std::vector<PageRun> runs) {
        WrittenMessage written{{.block = 0, .pages = 4, .runs = std::move(runs)}};
        std::vector<std::byte> bytes = encode(1, written);
        return payload_error(MessageType::kWritten, {bytes.begin() + kHeaderSize, bytes.end()});
    };
    EXPECT_EQ(error({{5, 2}, {7, 2}}), "");
    EXPECT_NE(error({{7, 2}, {5, 2}}), "");
    EXPECT_NE(error({{5, 2}, {6, 2}}), "");
    EXPECT_NE(error({{~uint64_t{0}, 4}}), "");
}

TEST(CodecTest, page_hashes_round_trip) {
    for (Compare compare : {Compare::kPages, Compare::kPieces}) {
        PageHashesMessage hashes{compare, {}};
        for (uint64_t i = 0; i < 3 * hash_words(compare); ++i)
            hashes.words.push_back(i * 0x0123456789abcdef);
        PageHashesMessage back = round_trip(hashes);
        EXPECT_EQ(back.compare, compare);
        EXPECT_EQ(back.words, hashes.words);
    }
}

TEST(CodecTest, malformed_page_hashes_are_refused) {
    EXPECT_NE(payload_error(MessageType::kPageHashes, words({1, 0})), "");
    EXPECT_NE(payload_error(MessageType::kPageHashes, words({0, 1})), "");
    EXPECT_NE(payload_error(MessageType::kPageHashes, words({1, 1, 0, 0, 0})), "");
    EXPECT_NE(payload_error(MessageType::kPageHashes, words({1, 1, 0, 0, 0, 0, 0})), "");
    EXPECT_NE(payload_error(MessageType::kPageHashes, words({kMaxPagesPerMessage + 1, 1})), "");
}

}  // namespace
}  // namespace qc::migration::colo
