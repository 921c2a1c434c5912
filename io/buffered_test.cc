// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <vector>

#include "io/buffered_reader.h"
#include "io/buffered_writer.h"
#include "io/memory_channel.h"

namespace qc::io {
namespace {

std::vector<std::byte> pattern(size_t size) {
    std::vector<std::byte> data(size);
    for (size_t i = 0; i < size; ++i)
        data[i] = static_cast<std::byte>(i * 13 + 1);
    return data;
}

class BufferedTest : public testing::Test {
 protected:
    BufferedTest() {
        auto pair = MemoryChannel::create_pair(4096);
        a_ = std::move(pair.first);
        b_ = std::move(pair.second);
    }
    // Everything that has reached the other end.
    std::vector<std::byte> arrived() {
        std::vector<std::byte> data(4096);
        data.resize(b_->try_read(data)->value_or(0));
        return data;
    }

    std::unique_ptr<MemoryChannel> a_, b_;
};

TEST_F(BufferedTest, small_writes_wait_for_flush) {
    BufferedWriter writer(*a_, 16);
    ASSERT_TRUE(writer.write(pattern(3)));
    ASSERT_TRUE(writer.write(pattern(4)));
    EXPECT_EQ(writer.buffered(), 7u);
    EXPECT_TRUE(arrived().empty());
    ASSERT_TRUE(writer.flush());
    EXPECT_EQ(arrived().size(), 7u);
    ASSERT_TRUE(writer.flush());
    EXPECT_TRUE(arrived().empty());
    EXPECT_EQ(writer.bytes_written(), 7u);
}

TEST_F(BufferedTest, long_write_takes_the_buffered_bytes_along) {
    BufferedWriter writer(*a_, 16);
    ASSERT_TRUE(writer.write(pattern(10)));
    ASSERT_TRUE(writer.write(pattern(100)));
    EXPECT_EQ(writer.buffered(), 0u);
    const std::vector<std::byte> data = arrived();
    ASSERT_EQ(data.size(), 110u);
    EXPECT_TRUE(std::equal(data.begin() + 10, data.end(), pattern(100).begin()));
}

TEST_F(BufferedTest, write_that_fits_exactly_stays_buffered) {
    BufferedWriter writer(*a_, 16);
    ASSERT_TRUE(writer.write(pattern(16)));
    EXPECT_EQ(writer.buffered(), 16u);
}

TEST_F(BufferedTest, reads_of_all_sizes_give_the_stream) {
    const std::vector<std::byte> data = pattern(1000);
    ASSERT_TRUE(a_->write_all(data));
    a_.reset();
    BufferedReader reader(*b_, 64);
    std::vector<std::byte> received;
    for (size_t size : {1u, 63u, 64u, 65u, 2u, 300u, 5u, 500u}) {
        std::vector<std::byte> part(size);
        ASSERT_TRUE(reader.read_exact(part));
        received.insert(received.end(), part.begin(), part.end());
    }
    EXPECT_EQ(received, data);
    EXPECT_EQ(reader.bytes_read(), 1000u);
    EXPECT_TRUE(*reader.at_end());
}

TEST_F(BufferedTest, peek_does_not_take) {
    ASSERT_TRUE(a_->write_all(pattern(20)));
    BufferedReader reader(*b_, 16);
    EXPECT_EQ((*reader.peek(2))[1], pattern(2)[1]);
    reader.consume(10);
    // Needs the front of the buffer again.
    const ConstBytes next = *reader.peek(10);
    ASSERT_EQ(next.size(), 10u);
    EXPECT_EQ(next[9], pattern(20)[19]);
    EXPECT_EQ(reader.bytes_read(), 10u);
    EXPECT_FALSE(*reader.at_end());
}

TEST_F(BufferedTest, short_stream_fails) {
    ASSERT_TRUE(a_->write_all(pattern(5)));
    a_.reset();
    BufferedReader reader(*b_, 16);
    EXPECT_FALSE(reader.peek(6));
    std::vector<std::byte> part(6);
    EXPECT_FALSE(reader.read_exact(part));
}

TEST_F(BufferedTest, wait_readable_sees_buffered_bytes) {
    ASSERT_TRUE(a_->write_all(pattern(2)));
    BufferedReader reader(*b_, 16);
    ASSERT_TRUE(reader.peek(1));
    reader.consume(1);
    EXPECT_TRUE(*reader.wait_readable(deadline_in_ms(0)));
    reader.consume(1);
    EXPECT_FALSE(*reader.wait_readable(deadline_in_ms(0)));
}

TEST_F(BufferedTest, little_is_read_ahead_after_a_long_read) {
    auto [near, far] = MemoryChannel::create_pair(size_t{1} << 20);
    const std::vector<std::byte> data = pattern(400'000);
    ASSERT_TRUE(near->write_all(data));
    BufferedReader reader(*far, BufferedReader::kDefaultSize);
    std::vector<std::byte> part(8);
    ASSERT_TRUE(reader.read_exact(part));
    EXPECT_GT(reader.buffered(), 60'000u);
    part.resize(200'000);
    ASSERT_TRUE(reader.read_exact(part));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), data.begin() + 8));
    part.resize(8);
    ASSERT_TRUE(reader.read_exact(part));
    EXPECT_LT(reader.buffered(), 600u);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), data.begin() + 200'008));
    // And more and more while only short ones follow.
    part.resize(1000);
    for (int i = 0; i < 40; ++i)
        ASSERT_TRUE(reader.read_exact(part));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), data.begin() + 239'016));
    EXPECT_GT(reader.buffered(), 3000u);
}

}  // namespace
}  // namespace qc::io
