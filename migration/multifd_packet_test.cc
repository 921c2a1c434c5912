// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/multifd_packet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "migration/multifd_compressor.h"

namespace qc::migration {
namespace {

constexpr uint64_t kBlockPages = 1000;
const std::vector<PageSpan> kNormal = {{2, 2}, {9, 1}};
const std::vector<PageSpan> kZero = {{100, 3}};

std::vector<std::byte> packet() {
    std::vector<std::byte> out;
    encode_multifd_packet({.sync = false,
                           .payload_size = 3 * 4096,
                           .number = 7,
                           .block = "pc.ram",
                           .normal = kNormal,
                           .zero = kZero},
                          out);
    return out;
}

Result<MultifdHead> head_of(std::span<const std::byte> bytes) {
    return parse_multifd_head(bytes.first(kMultifdHeadSize));
}

// The head of packet() with one 32-bit field changed.
Result<MultifdHead> head_with(size_t offset, uint32_t value) {
    std::vector<std::byte> bytes = packet();
    for (size_t i = 0; i < 4; ++i)
        bytes[offset + i] = static_cast<std::byte>(value >> (24 - 8 * i));
    return head_of(bytes);
}

uint32_t be32_at(std::span<const std::byte> bytes, size_t offset) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i)
        value = value << 8 | static_cast<uint32_t>(bytes[offset + i]);
    return value;
}

TEST(MultifdPacketTest, hello_comes_back_as_it_was) {
    MultifdHello hello{.session = *MultifdSession::random(), .channel = 200};
    auto bytes = encode_multifd_hello(hello);
    Result<MultifdHello> parsed = parse_multifd_hello(bytes);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->session, hello.session);
    EXPECT_EQ(parsed->channel, 200);
}

TEST(MultifdPacketTest, two_sessions_differ) {
    EXPECT_NE(*MultifdSession::random(), *MultifdSession::random());
}

TEST(MultifdPacketTest, hello_with_any_other_fixed_byte_is_refused) {
    auto bytes = encode_multifd_hello({.session = {}, .channel = 1});
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (i >= 8 && i <= 24) continue;  // session and channel may be anything
        auto changed = bytes;
        changed[i] ^= std::byte{0x40};
        EXPECT_FALSE(parse_multifd_hello(changed)) << "byte " << i;
    }
}

TEST(MultifdPacketTest, fields_lie_where_the_specification_says) {
    std::vector<std::byte> bytes = packet();
    ASSERT_EQ(bytes.size(), 320u + 6 * 8);
    EXPECT_EQ(be32_at(bytes, 0), 0x11223344u);
    EXPECT_EQ(be32_at(bytes, 4), 1u);
    EXPECT_EQ(be32_at(bytes, 8), 0u);          // flags
    EXPECT_EQ(be32_at(bytes, 12), 6u);         // offsets
    EXPECT_EQ(be32_at(bytes, 16), 3u);         // normal pages
    EXPECT_EQ(be32_at(bytes, 20), 3u * 4096);  // payload
    EXPECT_EQ(be32_at(bytes, 28), 7u);         // number, low half
    EXPECT_EQ(be32_at(bytes, 32), 3u);         // zero pages
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()) + 64), "pc.ram");
    EXPECT_EQ(be32_at(bytes, 324), 2u * 4096);
    EXPECT_EQ(be32_at(bytes, 320 + 3 * 8 + 4), 100u * 4096);
}

TEST(MultifdPacketTest, packet_comes_back_as_it_was) {
    std::vector<std::byte> bytes = packet();
    Result<MultifdHead> head = head_of(bytes);
    ASSERT_TRUE(head) << head.error().message();
    EXPECT_EQ(head->block, "pc.ram");
    EXPECT_EQ(head->number, 7u);
    EXPECT_FALSE(head->sync);
    std::vector<PageSpan> normal;
    std::vector<PageSpan> zero;
    ASSERT_TRUE(parse_multifd_pages(*head, std::span(bytes).subspan(kMultifdHeadSize), kBlockPages,
                                    normal, zero));
    EXPECT_EQ(normal, kNormal);
    EXPECT_EQ(zero, kZero);
}

TEST(MultifdPacketTest, sync_packet_needs_no_pages) {
    std::vector<std::byte> bytes;
    encode_multifd_packet({.sync = true, .number = 9}, bytes);
    Result<MultifdHead> head = head_of(bytes);
    ASSERT_TRUE(head) << head.error().message();
    EXPECT_TRUE(head->sync);
    EXPECT_EQ(head->offsets_size(), 0u);
}

TEST(MultifdPacketTest, heads_that_do_not_fit_together_are_refused) {
    EXPECT_FALSE(head_with(0, 0x11223345));  // magic
    EXPECT_FALSE(head_with(4, 2));           // version
    EXPECT_FALSE(head_with(8, 3 << 1));      // unknown compression
    EXPECT_FALSE(head_with(8, 0x100));       // unknown flag
    EXPECT_FALSE(head_with(12, 5));          // fewer offsets than pages
    EXPECT_FALSE(head_with(16, 0xffffffff));
    EXPECT_FALSE(head_with(20, 3 * 4096 + 1));  // payload of another size
    EXPECT_FALSE(head_with(32, 0xffffffff));
    EXPECT_FALSE(head_with(36, 1));   // reserved
    EXPECT_FALSE(head_with(64, 0));   // no block
    EXPECT_FALSE(head_with(300, 1));  // rubbish behind the block's name
}

TEST(MultifdPacketTest, more_pages_than_allowed_are_refused) {
    std::vector<PageSpan> many = {{0, kMaxMultifdPages + 1}};
    std::vector<std::byte> bytes;
    encode_multifd_packet({.block = "pc.ram", .zero = many}, bytes);
    EXPECT_FALSE(head_of(bytes));
}

TEST(MultifdPacketTest, pages_outside_of_the_block_are_refused) {
    std::vector<PageSpan> last = {{kBlockPages, 1}};
    std::vector<std::byte> bytes;
    encode_multifd_packet({.block = "pc.ram", .zero = last}, bytes);
    Result<MultifdHead> head = head_of(bytes);
    ASSERT_TRUE(head);
    std::vector<PageSpan> normal;
    std::vector<PageSpan> zero;
    auto offsets = std::span(bytes).subspan(kMultifdHeadSize);
    EXPECT_FALSE(parse_multifd_pages(*head, offsets, kBlockPages, normal, zero));
    EXPECT_TRUE(parse_multifd_pages(*head, offsets, kBlockPages + 1, normal, zero));
    offsets[7] = std::byte{1};  // not at the start of a page
    EXPECT_FALSE(parse_multifd_pages(*head, offsets, kBlockPages + 1, normal, zero));
}

class MultifdCompressionTest : public testing::TestWithParam<MultifdCompression> {
 protected:
    void SetUp() override {
        raw.resize(3 * 4096);
        for (size_t i = 0; i < raw.size(); ++i)
            raw[i] = static_cast<std::byte>(i * i / 7);
        auto compressor = *MultifdCompressor::create(GetParam(), 1);
        // The second packet must not depend on the first.
        ASSERT_TRUE(compressor->compress(std::span(raw).first(4096), packed));
        ASSERT_TRUE(compressor->compress(raw, packed));
        decompressor = *MultifdDecompressor::create(GetParam());
    }
    Result<void> unpack(std::span<const std::byte> in, size_t size) {
        out.assign(size, std::byte{0});
        std::vector<std::span<std::byte>> parts = {std::span(out).first(4096),
                                                   std::span(out).subspan(4096)};
        return decompressor->decompress(in, parts);
    }
    std::vector<std::byte> raw;
    std::vector<std::byte> packed;
    std::vector<std::byte> out;
    std::unique_ptr<MultifdDecompressor> decompressor;
};
INSTANTIATE_TEST_SUITE_P(Methods, MultifdCompressionTest,
                         testing::Values(MultifdCompression::kZlib, MultifdCompression::kZstd));

TEST_P(MultifdCompressionTest, what_was_packed_comes_back) {
    ASSERT_TRUE(unpack(packed, raw.size()));
    EXPECT_EQ(out, raw);
    ASSERT_TRUE(unpack(packed, raw.size()));
    EXPECT_EQ(out, raw);
}

TEST_P(MultifdCompressionTest, any_other_size_is_refused) {
    EXPECT_FALSE(unpack(packed, raw.size() - 4096));
    EXPECT_FALSE(unpack(packed, raw.size() + 4096));
    EXPECT_FALSE(unpack(packed, raw.size() - 1));
}

TEST_P(MultifdCompressionTest, cut_or_longer_data_is_refused_and_does_no_lasting_harm) {
    for (size_t size = 0; size < packed.size(); size += 37)
        EXPECT_FALSE(unpack(std::span(packed).first(size), raw.size())) << size;
    std::vector<std::byte> longer = packed;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(unpack(longer, raw.size()));
    ASSERT_TRUE(unpack(packed, raw.size()));
    EXPECT_EQ(out, raw);
}

}  // namespace
}  // namespace qc::migration
