// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who of those that connect to a destination is taken for its source.
#include "migration/acceptor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "io/connector.h"
#include "io/tls_channel.h"
#include "util/thread.h"

namespace qc::migration {
namespace {

io::Deadline patience() {
    return io::deadline_in_ms(20'000);
}

class AcceptorTest : public testing::Test {
 protected:
    AcceptorTest() { std::filesystem::create_directories(dir_); }
    ~AcceptorTest() override { std::filesystem::remove_all(dir_); }

    void listen() {
        auto made =
            Acceptor::create(Address(io::SocketAddress(io::UnixAddress{path_})), nullptr, tls_);
        ASSERT_TRUE(made) << made.error().message();
        acceptor_ = *std::move(made);
    }
    std::unique_ptr<io::Channel> connect() {
        return *io::connect(io::SocketAddress(io::UnixAddress{path_}), patience());
    }
    static void say(io::Channel& channel, char what) {
        const std::byte byte{static_cast<unsigned char>(what)};
        ASSERT_TRUE(channel.write_all({&byte, 1}, patience()));
    }
    // What the connection that is handed out says first.
    char accepted() {
        auto channel = acceptor_->accept(patience(), nullptr);
        EXPECT_TRUE(channel) << channel.error().message();
        std::byte byte{};
        EXPECT_TRUE(channel && (*channel)->read_exact({&byte, 1}, patience()));
        return static_cast<char>(byte);
    }
    crypto::TlsSettings psk(crypto::TlsEndpoint endpoint, const std::string& key) {
        std::ofstream(dir_ + "/keys.psk") << "qemu:" << key << "\n";
        return {*crypto::TlsCredentials::create_psk({endpoint, dir_, {}}, {}), {}, {}};
    }

    const std::string dir_ = testing::TempDir() + "qc-acceptor-" + std::to_string(getpid());
    const std::string path_ = dir_ + "/s";
    TlsSlot tls_;
    std::unique_ptr<Acceptor> acceptor_;
};

TEST_F(AcceptorTest, connection_that_speaks_goes_before_those_that_do_not) {
    listen();
    auto silent = connect();
    auto other = connect();
    auto source = connect();
    say(*source, 's');
    EXPECT_EQ(accepted(), 's');
    say(*silent, 'x');
    EXPECT_EQ(accepted(), 'x') << "it may still come later";
    EXPECT_TRUE(acceptor_->way().many_channels);
    EXPECT_FALSE(acceptor_->way().one_way);
}

TEST_F(AcceptorTest, crowd_of_silent_strangers_is_dropped_and_not_the_source) {
    listen();
    std::vector<std::unique_ptr<io::Channel>> crowd;
    for (size_t i = 0; i < Acceptor::kMaxWaiting + 5; ++i)
        crowd.push_back(connect());
    auto source = connect();
    say(*source, 's');
    EXPECT_EQ(accepted(), 's');
}

TEST_F(AcceptorTest, wait_ends_by_deadline_and_by_interrupt) {
    listen();
    auto silent = connect();
    EXPECT_FALSE(acceptor_->accept(io::deadline_in_ms(10), nullptr));
    auto interrupt = *io::Interrupt::create();
    Thread other("test", [&] { interrupt->trigger(); });
    EXPECT_FALSE(acceptor_->accept(io::kNoDeadline, interrupt.get()));
    other.join();
}

TEST_F(AcceptorTest, with_tls_only_who_has_the_key_gets_in) {
    tls_.set(psk(crypto::TlsEndpoint::kServer, "00112233"));
    listen();
    auto plain = connect();
    for (char c : std::string("QEVM\0\0\0\3", 8))
        say(*plain, c);
    auto half = connect();
    say(*half, '\x16');
    Thread source("source", [this] {
        auto channel = *io::TlsChannel::create(
            connect(),
            {*crypto::TlsCredentials::create_psk({crypto::TlsEndpoint::kClient, dir_, {}}, {}),
             {},
             {}});
        ASSERT_TRUE(channel->handshake(patience()));
        say(*channel, 's');
        std::byte byte{};
        (void)channel->read_some({&byte, 1}, patience());
    });
    EXPECT_EQ(accepted(), 's');
    source.join();
    // The one that spoke no TLS is told so, and not kept.
    std::array<std::byte, 64> answer;
    Result<size_t> end = plain->read_some(answer, patience());
    while (end && *end != 0)
        end = plain->read_some(answer, patience());
    EXPECT_TRUE(end || end.error().message().find("timed out") == std::string::npos);
}

TEST_F(AcceptorTest, file_is_one_channel_of_one_way) {
    std::ofstream(dir_ + "/state") << "f";
    auto made = Acceptor::create(Address(FileAddress{dir_ + "/state", 0}), nullptr, tls_);
    ASSERT_TRUE(made);
    acceptor_ = *std::move(made);
    EXPECT_TRUE(acceptor_->way().one_way);
    EXPECT_FALSE(acceptor_->way().many_channels);
    EXPECT_EQ(accepted(), 'f');
    EXPECT_FALSE(acceptor_->accept(patience(), nullptr));
    EXPECT_FALSE(Acceptor::create(Address(FileAddress{dir_ + "/no", 0}), nullptr, tls_));
    EXPECT_FALSE(Acceptor::create(Address(PassedFdAddress{"name"}), nullptr, tls_));
    EXPECT_FALSE(Acceptor::create(Address(PassedFdAddress{"99999"}), nullptr, tls_));
}

}  // namespace
}  // namespace qc::migration
