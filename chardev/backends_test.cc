// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back ends pipe, pty, ringbuf and udp, by what stands on their other side.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "chardev/pipe_chardev.h"
#include "chardev/pty_chardev.h"
#include "chardev/ringbuf_chardev.h"
#include "chardev/test_frontend.h"
#include "chardev/udp_channel.h"
#include "chardev/udp_chardev.h"

namespace qc::chardev {
namespace {

class BackendsTest : public testing::Test {
 protected:
    void attach(Chardev& chardev) {
        claim_ = *ChardevClaim::claim(chardev);
        claim_.attach(frontend_);
    }
    void expect_heard(std::string_view expected) {
        for (int i = 0; i < 500 && frontend_.heard != expected; ++i)
            loop_->run_once(10);
        EXPECT_EQ(frontend_.heard, expected);
    }
    static std::string read_from(int fd, size_t size) {
        std::string data(size, '\0');
        size_t done = 0;
        while (done < size) {
            const ssize_t count = read(fd, data.data() + done, size - done);
            if (count <= 0) break;
            done += static_cast<size_t>(count);
        }
        data.resize(done);
        return data;
    }

    const std::string path_ = testing::TempDir() + "qc-backend-" + std::to_string(getpid());
    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
    TestFrontend frontend_;
    ChardevClaim claim_;
};

TEST_F(BackendsTest, ringbuf_keeps_the_newest) {
    auto ringbuf = *RingbufChardev::create(*loop_, "r", {.size = 8});
    attach(*ringbuf);
    EXPECT_EQ(claim_.write(text("hello world")), 11u);
    EXPECT_EQ(ringbuf->counters().bytes_dropped, 3u);
    EXPECT_EQ(ringbuf->read(3), "lo ");
    EXPECT_EQ(ringbuf->read(100), "world");
    EXPECT_EQ(ringbuf->read(100), "");
    expect_heard("<open>");
    claim_ = ChardevClaim();
}

TEST_F(BackendsTest, ringbuf_of_a_strange_size_is_refused) {
    for (const uint64_t size : {uint64_t{0}, uint64_t{100}, uint64_t{1} << 40}) {
        EXPECT_FALSE(RingbufChardev::create(*loop_, "r", {.size = size}));
    }
}

TEST_F(BackendsTest, pipe_has_two_directions) {
    ASSERT_EQ(mkfifo((path_ + ".in").c_str(), 0600), 0);
    ASSERT_EQ(mkfifo((path_ + ".out").c_str(), 0600), 0);
    auto pipe = *PipeChardev::create(*loop_, "p", path_);
    attach(*pipe);
    const UniqueFd in(open((path_ + ".in").c_str(), O_WRONLY));
    const UniqueFd out(open((path_ + ".out").c_str(), O_RDONLY));
    ASSERT_EQ(write(in.get(), "abc", 3), 3);
    expect_heard("<open>abc");
    claim_.write(text("xyz"));
    EXPECT_EQ(read_from(out.get(), 3), "xyz");
    unlink((path_ + ".in").c_str());
    unlink((path_ + ".out").c_str());
    claim_ = ChardevClaim();
}

TEST_F(BackendsTest, pipe_that_does_not_exist_is_refused_by_name) {
    EXPECT_EQ(PipeChardev::create(*loop_, "p", "/no/such").error().message(),
              "Could not open '/no/such': No such file or directory");
}

TEST_F(BackendsTest, pty_drops_without_user_and_serves_one_after_the_other) {
    auto pty = *PtyChardev::create(*loop_, "p");
    attach(*pty);
    EXPECT_EQ(pty->description(), "pty:" + pty->path());
    claim_.write(text("lost"));
    EXPECT_EQ(pty->counters().bytes_dropped, 4u);
    std::string heard;
    for (int user = 0; user < 2; ++user) {
        {
            const UniqueFd terminal(open(pty->path().c_str(), O_RDWR | O_NOCTTY));
            ASSERT_TRUE(terminal);
            ASSERT_EQ(write(terminal.get(), "hi\r", 3), 3);
            heard += "<open>hi\r";
            expect_heard(heard);
            claim_.write(text("ok\n"));
            EXPECT_EQ(read_from(terminal.get(), 3), "ok\n");
        }
        heard += "<close>";
        expect_heard(heard);
    }
    claim_ = ChardevClaim();
}

TEST_F(BackendsTest, udp_sends_and_receives_datagrams) {
    auto receiver = *UdpChardev::create(*loop_, "u",
                                        {.remote = {.host = "127.0.0.1", .port = "9"}, .local = {}},
                                        Startup::kMayNotWait);
    EXPECT_EQ(receiver->description(), "udp");
    // Two that are each other's peer.
    const io::InetAddress own{.host = "127.0.0.1", .port = "47114"};
    const auto a =
        *UdpChannel::create({.host = "127.0.0.1", .port = "47113"}, &own, io::deadline_in_ms(1000));
    const io::InetAddress local{.host = "127.0.0.1", .port = "47113"};
    auto b = *UdpChardev::create(*loop_, "b",
                                 {.remote = {.host = "127.0.0.1", .port = "47114"}, .local = local},
                                 Startup::kMayNotWait);
    attach(*b);
    frontend_.room = 2;
    ASSERT_EQ(**a->try_write(text("hello")), 5u);
    // In pieces, none of which is lost.
    expect_heard("<open>hello");
    claim_.write(text("yes"));
    loop_->run_once(0);
    std::array<std::byte, 10> buffer;
    std::optional<size_t> count;
    for (int i = 0; i < 100 && !count; ++i) {
        loop_->run_once(10);
        count = *a->try_read(buffer);
    }
    EXPECT_EQ(count, 3u);
    claim_ = ChardevClaim();
}

TEST_F(BackendsTest, udp_without_peer_goes_on) {
    auto udp = *UdpChardev::create(*loop_, "u",
                                   {.remote = {.host = "127.0.0.1", .port = "9"}, .local = {}},
                                   Startup::kMayNotWait);
    attach(*udp);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(claim_.write(text("x")), 1u);
        loop_->run_once(5);
    }
    expect_heard("<open>");
    EXPECT_EQ(udp->counters().host_errors, 0u);
    claim_ = ChardevClaim();
}

}  // namespace
}  // namespace qc::chardev
