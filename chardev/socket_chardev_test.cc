// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/socket_chardev.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "chardev/telnet_fsm.h"
#include "chardev/test_frontend.h"
#include "util/thread.h"

namespace qc::chardev {
namespace {

class SocketChardevTest : public testing::Test {
 protected:
    SocketConfig server(bool wait = false) const {
        return {.address = io::UnixAddress{path_}, .role = SocketRole::kServer, .wait = wait};
    }
    SocketConfig client(uint32_t reconnect_ms = 0) const {
        return {.address = io::UnixAddress{path_}, .reconnect_ms = reconnect_ms};
    }
    void create(SocketConfig config) {
        auto made =
            SocketChardev::create({.loop = *loop_}, "s", std::move(config), Startup::kMayWait);
        ASSERT_TRUE(made) << made.error().message();
        chardev_ = *std::move(made);
        claim_ = *ChardevClaim::claim(*chardev_);
        claim_.attach(frontend_);
    }
    // Runs the loop until the front end has heard this, or for long enough.
    void expect_heard(std::string_view expected) {
        for (int i = 0; i < 500 && frontend_.heard != expected; ++i)
            loop_->run_once(10);
        EXPECT_EQ(frontend_.heard, expected);
    }
    std::unique_ptr<io::SocketChannel> connect_to_it() {
        return *io::connect(io::UnixAddress{path_}, io::deadline_in_ms(10'000));
    }
    std::string read_from(io::Channel& channel, size_t size) {
        std::string data(size, '\0');
        EXPECT_TRUE(channel.read_exact(std::as_writable_bytes(std::span(data)),
                                       io::deadline_in_ms(10'000)));
        return data;
    }

    const std::string path_ =
        testing::TempDir() + "qc-chardev-" + std::to_string(getpid()) + ".sock";
    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
    TestFrontend frontend_;
    std::unique_ptr<SocketChardev> chardev_;
    ChardevClaim claim_;
};

TEST_F(SocketChardevTest, server_without_client_drops_and_counts) {
    create(server());
    EXPECT_EQ(chardev_->description(), "disconnected:unix:" + path_ + ",server=on");
    EXPECT_EQ(claim_.write(text("lost")), 4u);
    EXPECT_EQ(chardev_->counters().bytes_dropped, 4u);
    loop_->run_once(0);
    EXPECT_EQ(frontend_.heard, "");
}

TEST_F(SocketChardevTest, server_talks_to_one_client_after_the_other) {
    create(server());
    auto first = connect_to_it();
    expect_heard("<open>");
    EXPECT_EQ(chardev_->description(), "unix:" + path_ + ",server=on");
    claim_.write(text("hello"));
    EXPECT_EQ(read_from(*first, 5), "hello");
    auto second = connect_to_it();
    ASSERT_TRUE(second->write_all(text("2")));
    ASSERT_TRUE(first->write_all(text("1")));
    expect_heard("<open>1");
    first.reset();
    expect_heard("<open>1<close><open>2");
}

TEST_F(SocketChardevTest, waiting_server_says_so_and_is_connected_when_created) {
    Thread visitor("visitor", [&] {
        while (access(path_.c_str(), F_OK) != 0) {
        }
        Result<std::unique_ptr<io::SocketChannel>> channel = fail("not yet");
        // Between bind and listen a connection is refused.
        while (!channel)
            channel = io::connect(io::UnixAddress{path_});
        EXPECT_TRUE((*channel)->write_all(text("x")));
    });
    testing::internal::CaptureStderr();
    create(server(true));
    visitor.join();
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "chardev_test: info: QEMU waiting for connection on: disconnected:unix:" + path_ +
                  ",server=on\n");
    expect_heard("<open>x<close>");
}

TEST_F(SocketChardevTest, waiting_ends_at_an_interrupt) {
    auto interrupt = *io::Interrupt::create();
    interrupt->trigger();
    testing::internal::CaptureStderr();
    EXPECT_FALSE(SocketChardev::create({.loop = *loop_, .interrupt = interrupt.get()}, "s",
                                       server(true), Startup::kMayWait));
    testing::internal::GetCapturedStderr();
}

TEST_F(SocketChardevTest, server_added_at_run_time_never_waits) {
    EXPECT_TRUE(SocketChardev::create({.loop = *loop_}, "s", server(true), Startup::kMayNotWait));
}

TEST_F(SocketChardevTest, client_connects_before_the_loop_runs) {
    auto listener = *io::Listener::create(io::UnixAddress{path_});
    create(client());
    auto peer = *listener->accept();
    claim_.write(text("hi"));
    EXPECT_EQ(read_from(*peer, 2), "hi");
    peer.reset();
    expect_heard("<open><close>");
    EXPECT_EQ(claim_.write(text("lost")), 4u);
    EXPECT_EQ(chardev_->counters().bytes_dropped, 4u);
}

TEST_F(SocketChardevTest, client_without_server_fails_by_name) {
    const auto made = SocketChardev::create({.loop = *loop_}, "s", client(), Startup::kMayWait);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message(),
              "Failed to connect to '" + path_ + "': No such file or directory");
}

TEST_F(SocketChardevTest, client_with_reconnect_finds_a_late_server_and_a_new_one) {
    testing::internal::CaptureStderr();
    create(client(1));
    for (int i = 0; i < 10; ++i)
        loop_->run_once(5);
    const std::string warnings = testing::internal::GetCapturedStderr();
    EXPECT_NE(warnings.find("trying again every 1 ms"), std::string::npos);
    EXPECT_EQ(std::count(warnings.begin(), warnings.end(), '\n'), 1);

    auto listener = *io::Listener::create(io::UnixAddress{path_});
    expect_heard("<open>");
    auto peer = *listener->accept();
    peer.reset();
    expect_heard("<open><close><open>");
}

TEST_F(SocketChardevTest, peer_that_vanishes_while_written_to_closes) {
    create(server());
    auto peer = connect_to_it();
    expect_heard("<open>");
    frontend_.room = 0;
    claim_.accept_input();
    loop_->run_once(0);
    peer.reset();
    for (int i = 0; i < 3; ++i)
        claim_.write(text("x"));
    expect_heard("<open><close>");
    EXPECT_GT(chardev_->counters().bytes_dropped, 0u);
}

TEST_F(SocketChardevTest, yank_ends_a_connection_that_nobody_reads_from) {
    create(server());
    auto peer = connect_to_it();
    expect_heard("<open>");
    frontend_.room = 0;
    claim_.accept_input();
    loop_->run_once(0);
    chardev_->yank();
    expect_heard("<open><close>");
    auto second = connect_to_it();
    expect_heard("<open><close><open>");
}

TEST_F(SocketChardevTest, yank_without_connection_changes_nothing) {
    create(server());
    chardev_->yank();
    loop_->run_once(0);
    auto peer = connect_to_it();
    expect_heard("<open>");
}

TEST_F(SocketChardevTest, peer_that_never_reads_takes_a_bounded_amount) {
    create(server());
    auto peer = connect_to_it();
    expect_heard("<open>");
    const std::string line(64 * 1024, 'x');
    size_t taken = 0;
    for (int i = 0; i < 100; ++i) {
        taken += claim_.write(text(line));
        loop_->run_once(0);
    }
    EXPECT_LT(taken, 8u * 1024 * 1024);
    EXPECT_EQ(claim_.write(text(line)), 0u);
}

TEST_F(SocketChardevTest, abstract_name_is_shown_as_such) {
    create(
        {.address = io::UnixAddress{.path = path_, .abstract = true}, .role = SocketRole::kServer});
    EXPECT_EQ(chardev_->description(),
              "disconnected:unix:" + path_ + ",abstract=on,tight=on,server=on");
    EXPECT_NE(access(path_.c_str(), F_OK), 0);
    auto peer = *io::connect(io::UnixAddress{.path = path_, .abstract = true});
    expect_heard("<open>");
}

TEST_F(SocketChardevTest, telnet_commands_are_no_data) {
    SocketConfig config = server();
    config.telnet = true;
    create(config);
    auto peer = connect_to_it();
    expect_heard("<open>");
    EXPECT_EQ(read_from(*peer, 12), TelnetFsm::greeting());
    // A break, "DO 99" and a doubled IAC.
    ASSERT_TRUE(
        peer->write_all(text("a\xff\xf3"
                             "b\xff\xfd\x63\xff\xff"
                             "c")));
    expect_heard(
        "<open><break>ab\xff"
        "c");
    EXPECT_EQ(read_from(*peer, 3), "\xff\xfc\x63");
    claim_.write(
        text("1\xff"
             "2"));
    EXPECT_EQ(read_from(*peer, 4),
              "1\xff\xff"
              "2");
}

TEST_F(SocketChardevTest, tcp_description_names_both_ends) {
    create({.address = io::InetAddress{"127.0.0.1", "0", {}, {}}, .role = SocketRole::kServer});
    const std::string address = chardev_->address().to_string();
    EXPECT_EQ(chardev_->description(), "disconnected:" + address + ",server=on");
    auto peer = *io::connect(chardev_->address());
    expect_heard("<open>");
    EXPECT_EQ(chardev_->description(), address + ",server=on <-> " + peer->local_name().substr(4));
}

}  // namespace
}  // namespace qc::chardev
