// SPDX-License-Identifier: GPL-2.0-or-later
//
// What every channel promises, for each kind of it.
#include "io/channel.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <numeric>
#include <vector>

#include "io/fd_channel.h"
#include "io/memory_channel.h"
#include "io/socket_channel.h"
#include "util/machine_lock.h"
#include "util/thread.h"

namespace qc::io {
namespace {

struct Pair {
    std::unique_ptr<Channel> a;
    std::unique_ptr<Channel> b;
};

Pair memory_pair() {
    auto [a, b] = MemoryChannel::create_pair(64 * 1024);
    return {std::move(a), std::move(b)};
}

Pair socket_pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
    return {*SocketChannel::create(UniqueFd(ends[0])), *SocketChannel::create(UniqueFd(ends[1]))};
}

Pair pipe_pair() {
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0) return {};
    return {*FdChannel::create(UniqueFd(back[0]), UniqueFd(there[1]), "pipe a"),
            *FdChannel::create(UniqueFd(there[0]), UniqueFd(back[1]), "pipe b")};
}

std::vector<std::byte> pattern(size_t size) {
    std::vector<std::byte> data(size);
    for (size_t i = 0; i < size; ++i)
        data[i] = static_cast<std::byte>(i * 7 + (i >> 8));
    return data;
}

ConstBytes text(std::string_view characters) {
    return std::as_bytes(std::span(characters));
}

std::string read_text(Channel& channel, size_t size) {
    std::string result(size, '\0');
    EXPECT_TRUE(channel.read_exact(std::as_writable_bytes(std::span(result))));
    return result;
}

using MakePair = Pair (*)();

class ChannelTest : public testing::TestWithParam<MakePair> {
 protected:
    Pair pair_ = GetParam()();
};

TEST_P(ChannelTest, bytes_arrive_in_order_both_ways) {
    ASSERT_TRUE(pair_.a->write_all(text("hello")));
    ASSERT_TRUE(pair_.b->write_all(text("world")));
    EXPECT_EQ(read_text(*pair_.b, 5), "hello");
    EXPECT_EQ(read_text(*pair_.a, 5), "world");
}

TEST_P(ChannelTest, vector_of_many_parts_arrives_whole) {
    const std::vector<std::byte> data = pattern(300);
    std::vector<ConstBytes> parts = {{}};
    for (size_t i = 0; i < data.size(); i += 2)
        parts.push_back(ConstBytes(data).subspan(i, 2));
    parts.push_back({});
    ASSERT_TRUE(pair_.a->write_vector(parts));
    std::vector<std::byte> received(data.size());
    ASSERT_TRUE(pair_.b->read_exact(received));
    EXPECT_EQ(received, data);
}

TEST_P(ChannelTest, scattered_read_fills_every_part_and_no_more) {
    const std::vector<std::byte> data = pattern(30'000);
    ASSERT_TRUE(pair_.a->write_all(data));
    std::vector<std::byte> received(29'990);
    std::vector<Bytes> parts;
    for (size_t at = 0, size = 0; at < received.size(); at += size, ++size) {
        size = std::min(size, received.size() - at);
        parts.push_back(Bytes(received).subspan(at, size));
    }
    ASSERT_GT(parts.size(), kPartsPerCall);
    ASSERT_TRUE(pair_.b->read_vector(parts));
    EXPECT_TRUE(std::ranges::equal(received, std::span(data).first(received.size())));
    std::array<std::byte, 10> rest;
    ASSERT_TRUE(pair_.b->read_exact(rest));
    EXPECT_TRUE(std::ranges::equal(rest, std::span(data).last(rest.size())));
}

TEST_P(ChannelTest, scattered_read_of_a_short_stream_says_how_much_arrived) {
    ASSERT_TRUE(pair_.a->write_all(text("abcde")));
    pair_.a.reset();
    std::array<std::byte, 4> one, other;
    const std::array<Bytes, 2> parts = {Bytes(one), Bytes(other)};
    const Result<void> result = pair_.b->read_vector(parts);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("5 of 8 bytes"), std::string::npos)
        << result.error().message();
}

TEST_P(ChannelTest, more_than_the_buffers_hold_is_transferred) {
    const std::vector<std::byte> data = pattern(3 << 20);
    std::vector<std::byte> received(data.size());
    Thread writer("writer", [&] { EXPECT_TRUE(pair_.a->write_all(data)); });
    ASSERT_TRUE(pair_.b->read_exact(received));
    writer.join();
    EXPECT_EQ(received, data);
}

TEST_P(ChannelTest, try_read_without_data_is_nothing) {
    std::byte byte;
    EXPECT_EQ(*pair_.a->try_read({&byte, 1}), std::nullopt);
}

TEST_P(ChannelTest, try_write_ends_with_nothing_when_full) {
    const std::vector<std::byte> data = pattern(4096);
    size_t total = 0;
    while (true) {
        const std::optional<size_t> written = *pair_.a->try_write(ConstBytes(data));
        if (!written) break;
        total += *written;
        ASSERT_LT(total, size_t{64} << 20);
    }
    EXPECT_GT(total, 0u);
}

TEST_P(ChannelTest, peer_that_goes_ends_the_stream_after_its_data) {
    ASSERT_TRUE(pair_.a->write_all(text("x")));
    pair_.a.reset();
    EXPECT_EQ(read_text(*pair_.b, 1), "x");
    std::byte byte;
    EXPECT_EQ(*pair_.b->read_some({&byte, 1}), 0u);
    EXPECT_FALSE(pair_.b->read_exact({&byte, 1}));
}

TEST_P(ChannelTest, short_stream_says_how_much_arrived) {
    ASSERT_TRUE(pair_.a->write_all(text("abc")));
    pair_.a.reset();
    std::byte buffer[8];
    const Result<void> result = pair_.b->read_exact(buffer);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("3 of 8 bytes"), std::string::npos);
}

TEST_P(ChannelTest, writing_to_a_gone_peer_fails_without_a_signal) {
    pair_.b.reset();
    const std::vector<std::byte> data = pattern(1 << 20);
    // A socket may take the first bytes before it learns of it.
    Result<void> result = pair_.a->write_all(data);
    if (result) result = pair_.a->write_all(data);
    EXPECT_FALSE(result);
    sigset_t pending;
    sigpending(&pending);
    EXPECT_FALSE(sigismember(&pending, SIGPIPE));
}

TEST_P(ChannelTest, deadline_ends_a_read) {
    std::byte byte;
    const Result<size_t> result = pair_.a->read_some({&byte, 1}, deadline_in_ms(1));
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("timed out"), std::string::npos);
}

TEST_P(ChannelTest, deadline_ends_a_write) {
    const std::vector<std::byte> data = pattern(16 << 20);
    EXPECT_FALSE(pair_.a->write_all(data, deadline_in_ms(20)));
}

TEST_P(ChannelTest, wait_readable_tells_data_from_deadline) {
    EXPECT_FALSE(*pair_.b->wait_readable(deadline_in_ms(0)));
    ASSERT_TRUE(pair_.a->write_all(text("x")));
    EXPECT_TRUE(*pair_.b->wait_readable(deadline_in_ms(10'000)));
    EXPECT_EQ(read_text(*pair_.b, 1), "x");
    pair_.a.reset();
    EXPECT_TRUE(*pair_.b->wait_readable(deadline_in_ms(10'000)));
}

TEST_P(ChannelTest, shutdown_breaks_a_blocked_read_and_write) {
    Result<size_t> read_result = 0u;
    Result<void> write_result;
    Thread reader("reader", [&] {
        std::byte byte;
        read_result = pair_.a->read_some({&byte, 1});
    });
    Thread writer("writer", [&] { write_result = pair_.a->write_all(pattern(16 << 20)); });
    pair_.a->shutdown();
    reader.join();
    writer.join();
    EXPECT_FALSE(read_result);
    EXPECT_FALSE(write_result);
    EXPECT_TRUE(pair_.a->was_shut_down());
}

TEST_P(ChannelTest, shutdown_makes_everything_later_fail) {
    ASSERT_TRUE(pair_.b->write_all(text("unread")));
    pair_.a->shutdown();
    pair_.a->shutdown();
    std::byte byte;
    EXPECT_FALSE(pair_.a->try_read({&byte, 1}));
    EXPECT_FALSE(pair_.a->try_write(text("x")));
    EXPECT_FALSE(pair_.a->read_some({&byte, 1}));
    EXPECT_FALSE(pair_.a->write_all(text("x")));
    EXPECT_FALSE(pair_.a->wait_readable(kNoDeadline));
}

TEST_P(ChannelTest, no_delay_is_harmless) {
    EXPECT_TRUE(pair_.a->set_no_delay(true));
}

INSTANTIATE_TEST_SUITE_P(Memory, ChannelTest, testing::Values(&memory_pair));
INSTANTIATE_TEST_SUITE_P(Socket, ChannelTest, testing::Values(&socket_pair));
INSTANTIATE_TEST_SUITE_P(Pipe, ChannelTest, testing::Values(&pipe_pair));

TEST(ChannelDeathTest, blocking_call_under_the_machine_lock_asserts) {
    Pair pair = memory_pair();
    MachineLock lock;
    EXPECT_DEATH(
        {
            MachineLockGuard guard(lock);
            (void)pair.a->write_all(text("x"));
        },
        "assertion failed");
    MachineLockGuard guard(lock);
    EXPECT_TRUE(pair.a->try_write(text("x")));
}

TEST(FdChannel, missing_direction_ends_or_fails) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    auto writer = *FdChannel::create({}, UniqueFd(ends[1]), "w");
    auto reader = *FdChannel::create(UniqueFd(ends[0]), {}, "r");
    std::byte byte;
    EXPECT_EQ(*writer->read_some({&byte, 1}), 0u);
    EXPECT_FALSE(reader->write_all(text("x")));
}

Pair tcp_pair() {
    const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(listener.get(), raw, size) != 0 || listen(listener.get(), 1) != 0 ||
        getsockname(listener.get(), raw, &size) != 0 || connect(client.get(), raw, size) != 0) {
        return {};
    }
    UniqueFd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return {*SocketChannel::create(std::move(client)), *SocketChannel::create(std::move(server))};
}

TEST(SocketChannel, writes_in_place_arrive_and_are_counted_when_they_are_finished) {
    Pair pair = tcp_pair();
    ASSERT_NE(pair.a, nullptr);
    const Result<void> enabled = pair.a->enable_in_place();
    ASSERT_TRUE(enabled) << enabled.error().message();
    const std::vector<std::byte> data = pattern(3'000'000);
    std::vector<std::byte> received(data.size());
    Thread reader("reader", [&] { EXPECT_TRUE(pair.b->read_exact(received)); });
    const std::array<ConstBytes, 2> parts = {ConstBytes(data).first(1'000'001),
                                             ConstBytes(data).subspan(1'000'001)};
    ASSERT_TRUE(pair.a->write_in_place(parts));
    const Result<Channel::InPlace> done = pair.a->finish_in_place(deadline_in_ms(10'000));
    reader.join();
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_GT(done->writes, 0u);
    // A packet to the same host is copied on its way.
    EXPECT_EQ(done->copied, done->writes);
    EXPECT_EQ(received, data);
    EXPECT_EQ(pair.a->finish_in_place(kNoDeadline)->writes, 0u);
}

TEST(SocketChannel, writes_in_place_that_nobody_reads_end_with_the_channel) {
    Pair pair = tcp_pair();
    ASSERT_NE(pair.a, nullptr);
    ASSERT_TRUE(pair.a->enable_in_place());
    const std::vector<std::byte> data = pattern(64'000'000);
    const ConstBytes part(data);
    const Result<void> result = pair.a->write_in_place({&part, 1}, deadline_in_ms(200));
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("timed out"), std::string::npos);
    pair.a->shutdown();
    EXPECT_FALSE(pair.a->write_in_place({&part, 1}));
}

TEST(SocketChannel, other_sockets_than_tcp_do_not_send_in_place) {
    Pair pair = socket_pair();
    EXPECT_FALSE(pair.a->enable_in_place());
    EXPECT_EQ(pair.a->finish_in_place(kNoDeadline)->writes, 0u);
}

TEST(SocketChannel, other_descriptors_are_refused) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    UniqueFd other(ends[1]);
    EXPECT_FALSE(SocketChannel::create(UniqueFd(ends[0])));
    EXPECT_FALSE(SocketChannel::create(UniqueFd(socket(AF_INET, SOCK_DGRAM, 0))));
}

}  // namespace
}  // namespace qc::io
