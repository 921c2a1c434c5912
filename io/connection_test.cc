// SPDX-License-Identifier: GPL-2.0-or-later
//
// Listener, connect() and Connector against each other on this host.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "io/connector.h"
#include "io/listener.h"
#include "util/thread.h"

namespace qc::io {
namespace {

class ConnectionTest : public testing::Test {
 protected:
    SocketAddress path_address() const {
        return UnixAddress{testing::TempDir() + "qc-io-" + std::to_string(getpid()) + ".sock"};
    }
    SocketAddress loopback() const { return InetAddress{"127.0.0.1", "0", {}, {}}; }

    // Connects to the listener, and checks that bytes go through.
    void expect_connection(Listener& listener, const SocketAddress& address) {
        auto client = connect(address, deadline_in_ms(10'000));
        ASSERT_TRUE(client) << client.error().message();
        auto server = listener.accept(deadline_in_ms(10'000));
        ASSERT_TRUE(server) << server.error().message();
        const std::byte sent{42};
        std::byte received{};
        ASSERT_TRUE((*client)->set_no_delay(true));
        ASSERT_TRUE((*client)->write_all({&sent, 1}));
        ASSERT_TRUE((*server)->read_exact({&received, 1}));
        EXPECT_EQ(received, sent);
        EXPECT_EQ((*client)->peer_name(), address.to_string());
    }

    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
};

TEST_F(ConnectionTest, port_zero_is_resolved_and_can_be_connected_to) {
    auto listener = *Listener::create(loopback());
    EXPECT_NE(listener->local_address().inet().port, "0");
    expect_connection(*listener, listener->local_address());
}

TEST_F(ConnectionTest, ipv6_works_where_the_host_has_it) {
    auto listener = Listener::create(InetAddress{"::1", "0", {}, {}});
    if (!listener) GTEST_SKIP() << listener.error().message();
    expect_connection(**listener, (*listener)->local_address());
}

TEST_F(ConnectionTest, empty_host_takes_ipv4) {
    auto listener = *Listener::create(InetAddress{"", "0", {}, {}});
    expect_connection(*listener,
                      InetAddress{"127.0.0.1", listener->local_address().inet().port, {}, {}});
}

TEST_F(ConnectionTest, name_is_looked_up_by_both_sides) {
    auto listener = *Listener::create(InetAddress{"localhost", "0", {}, {}});
    const std::string port = listener->local_address().inet().port;
    auto client = connect(InetAddress{"localhost", port, {}, {}}, deadline_in_ms(10'000));
    ASSERT_TRUE(client) << client.error().message();
    EXPECT_TRUE(listener->accept(deadline_in_ms(10'000)));
}

TEST_F(ConnectionTest, name_that_does_not_exist_is_an_error) {
    const auto client = connect(InetAddress{"name.invalid", "1", {}, {}}, deadline_in_ms(10'000));
    EXPECT_FALSE(client);
}

TEST_F(ConnectionTest, unix_path_is_replaced_and_removed) {
    const SocketAddress address = path_address();
    struct stat status;
    {
        auto first = *Listener::create(address);
        auto second = Listener::create(address);
        ASSERT_TRUE(second) << second.error().message();
        expect_connection(**second, address);
    }
    EXPECT_NE(stat(address.unix_path().path.c_str(), &status), 0);
}

TEST_F(ConnectionTest, file_in_the_way_of_a_path_is_left_alone) {
    const std::string path = path_address().unix_path().path;
    std::ofstream(path) << "precious";
    EXPECT_FALSE(Listener::create(UnixAddress{path}));
    struct stat status;
    EXPECT_EQ(stat(path.c_str(), &status), 0);
    unlink(path.c_str());
}

TEST_F(ConnectionTest, port_in_use_is_named) {
    auto first = *Listener::create(loopback());
    const auto second = Listener::create(first->local_address());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message(),
              fmt::format("Failed to listen on '{}': Address already in use",
                          first->local_address().short_string()));
}

TEST_F(ConnectionTest, refused_connection_is_named) {
    const SocketAddress address = (*Listener::create(loopback()))->local_address();
    const auto client = connect(address, deadline_in_ms(10'000));
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().message(),
              fmt::format("Failed to connect to '{}': Connection refused", address.short_string()));
    EXPECT_FALSE(connect(path_address()));
}

TEST_F(ConnectionTest, accept_ends_at_deadline_and_interrupt) {
    auto listener = *Listener::create(loopback());
    EXPECT_EQ(*listener->try_accept(), nullptr);
    EXPECT_FALSE(listener->accept(deadline_in_ms(1)));
    auto interrupt = *Interrupt::create();
    Thread breaker("breaker", [&] { interrupt->trigger(); });
    EXPECT_FALSE(listener->accept(kNoDeadline, interrupt.get()));
    breaker.join();
}

// A UNIX listener whose queue is full makes its clients wait.
TEST_F(ConnectionTest, blocked_connect_ends_at_deadline_and_interrupt) {
    const SocketAddress address = path_address();
    const RawSocketAddress raw = *raw_unix_address(address.unix_path());
    const UniqueFd full(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(full.get(), raw.get(), raw.length), 0);
    ASSERT_EQ(listen(full.get(), 0), 0);
    auto first = connect(address);
    ASSERT_TRUE(first);
    const auto late = connect(address, deadline_in_ms(30));
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().message().find("timed out"), std::string::npos);
    auto interrupt = *Interrupt::create();
    interrupt->trigger();
    EXPECT_FALSE(connect(address, kNoDeadline, interrupt.get()));
    unlink(address.unix_path().path.c_str());
}

TEST_F(ConnectionTest, event_loop_connects_and_accepts) {
    auto listener = *Listener::create(loopback());
    std::unique_ptr<SocketChannel> server, client;
    listener->watch(*loop_, [&](std::unique_ptr<SocketChannel> channel) {
        server = std::move(channel);
        listener.reset();
        if (client) loop_->quit();
    });
    std::unique_ptr<Connector> connector;
    connector = Connector::start(*loop_, listener->local_address(),
                                 [&](Result<std::unique_ptr<SocketChannel>> channel) {
                                     client = *std::move(channel);
                                     connector.reset();
                                     if (server) loop_->quit();
                                 });
    EXPECT_EQ(client, nullptr);
    loop_->run();
    const std::byte byte{1};
    EXPECT_TRUE(client->write_all({&byte, 1}));
    EXPECT_EQ(listener, nullptr);
    EXPECT_EQ(connector, nullptr);
}

TEST_F(ConnectionTest, connector_reports_failure_from_the_loop) {
    std::string error;
    auto connector = Connector::start(*loop_, path_address(),
                                      [&](Result<std::unique_ptr<SocketChannel>> channel) {
                                          error = channel.error().message();
                                          loop_->quit();
                                      });
    EXPECT_EQ(error, "");
    loop_->run();
    EXPECT_NE(error.find("No such file"), std::string::npos);
}

TEST_F(ConnectionTest, destroyed_connector_never_calls_back) {
    bool called = false;
    auto connector = Connector::start(*loop_, path_address(), [&](auto) { called = true; });
    connector.reset();
    for (int i = 0; i < 3; ++i)
        loop_->run_once(1);
    EXPECT_FALSE(called);
}

TEST_F(ConnectionTest, unwatched_listener_keeps_connections_waiting) {
    auto listener = *Listener::create(loopback());
    bool called = false;
    listener->watch(*loop_, [&](auto) { called = true; });
    listener->unwatch();
    auto client = connect(listener->local_address());
    loop_->run_once(1);
    EXPECT_FALSE(called);
    EXPECT_NE(*listener->try_accept(), nullptr);
}

TEST_F(ConnectionTest, passed_descriptors_are_adopted) {
    auto listener = *Listener::create(loopback());
    const RawSocketAddress raw = *raw_unix_address(path_address().unix_path());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(bind(fd, raw.get(), raw.length), 0);
    EXPECT_FALSE(Listener::create(FdAddress{dup(fd)}));
    ASSERT_EQ(listen(fd, 1), 0);
    auto adopted = Listener::create(FdAddress{fd});
    ASSERT_TRUE(adopted) << adopted.error().message();
    expect_connection(**adopted, path_address());
    unlink(path_address().unix_path().path.c_str());

    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    UniqueFd other(ends[1]);
    EXPECT_TRUE(connect(FdAddress{ends[0]}));
    EXPECT_FALSE(connect(FdAddress{9999}));
}

}  // namespace
}  // namespace qc::io
