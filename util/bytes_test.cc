// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace qc {
namespace {

TEST(ByteWriter, numbers_have_their_byte_order) {
    ByteWriter writer;
    writer.u8(0xaa);
    writer.be16(0x0102);
    writer.le16(0x0102);
    writer.be32(0x01020304);
    writer.le32(0x01020304);
    const std::array<uint8_t, 13> expected = {0xaa, 1, 2, 2, 1, 1, 2, 3, 4, 4, 3, 2, 1};
    EXPECT_TRUE(std::ranges::equal(writer.view(), std::as_bytes(std::span(expected))));
}

TEST(ByteReader, reads_back_what_was_written) {
    ByteWriter writer;
    writer.u8(1);
    writer.be16(0x1234);
    writer.be32(0x12345678);
    writer.be64(0x123456789abcdef0);
    writer.le16(0x4321);
    writer.le32(0x87654321);
    writer.le64(0x0fedcba987654321);
    writer.counted_string("pc.ram");
    const std::vector<std::byte> data = writer.take();
    ByteReader reader(data);
    EXPECT_EQ(*reader.u8("a"), 1);
    EXPECT_EQ(*reader.be16("a"), 0x1234);
    EXPECT_EQ(*reader.be32("a"), 0x12345678u);
    EXPECT_EQ(*reader.be64("a"), 0x123456789abcdef0u);
    EXPECT_EQ(*reader.le16("a"), 0x4321);
    EXPECT_EQ(*reader.le32("a"), 0x87654321u);
    EXPECT_EQ(*reader.le64("a"), 0x0fedcba987654321u);
    EXPECT_EQ(*reader.counted_string("a"), "pc.ram");
    EXPECT_TRUE(reader.expect_end("message"));
}

TEST(ByteReader, short_read_names_the_field_and_consumes_nothing) {
    const std::array<std::byte, 3> data = {};
    ByteReader reader(data);
    const Result<uint32_t> result = reader.be32("page count");
    EXPECT_EQ(result.error().message(), "page count: 4 bytes expected at offset 0, 3 left");
    EXPECT_EQ(reader.remaining(), 3u);
}

TEST(ByteReader, counted_string_longer_than_data_fails) {
    const std::array<std::byte, 2> data = {std::byte{5}, std::byte{'x'}};
    ByteReader reader(data);
    EXPECT_FALSE(reader.counted_string("name"));
}

TEST(ByteReader, huge_count_does_not_wrap) {
    const std::array<std::byte, 2> data = {};
    ByteReader reader(data);
    ASSERT_TRUE(reader.u8("x"));
    EXPECT_FALSE(reader.bytes(SIZE_MAX, "blob"));
}

TEST(ByteReader, bytes_left_over_are_an_error) {
    const std::array<std::byte, 2> data = {};
    const ByteReader reader(data);
    EXPECT_EQ(reader.expect_end("message").error().message(), "message: 2 bytes too many");
}

}  // namespace
}  // namespace qc
