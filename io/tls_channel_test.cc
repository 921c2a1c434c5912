// SPDX-License-Identifier: GPL-2.0-or-later
//
// TLS over channels in memory: who gets in, who does not and why, and that it is
// a channel like any other afterwards.
#include "io/tls_channel.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/test_certificates.h"
#include "io/memory_channel.h"
#include "util/thread.h"

namespace qc::io {
namespace {

using crypto::TlsCredentials;
using crypto::TlsEndpoint;
using crypto::TlsSettings;

Deadline patience() {
    return deadline_in_ms(30'000);
}

class TlsChannelTest : public testing::Test {
 protected:
    TlsChannelTest() {
        std::filesystem::create_directories(dir_ + "/a");
        std::filesystem::create_directories(dir_ + "/b");
    }
    ~TlsChannelTest() override { std::filesystem::remove_all(dir_); }

    TlsCredentials::Pointer psk(TlsEndpoint endpoint, const std::string& key) {
        const std::string dir = dir_ + (endpoint == TlsEndpoint::kServer ? "/a" : "/b");
        std::ofstream(dir + "/keys.psk") << "qemu:" << key << "\n";
        return *TlsCredentials::create_psk({endpoint, dir, {}}, {});
    }
    TlsCredentials::Pointer x509(TlsEndpoint endpoint, const std::string& dir,
                                 TlsCredentials::X509 options = {}) {
        auto made = TlsCredentials::create_x509({endpoint, dir_ + dir, {}}, options);
        EXPECT_TRUE(made) << made.error().message();
        return made ? *made : nullptr;
    }
    // /a: the server's; /b: the client's, both by one authority.
    void make_certificates(const crypto::TestCertificate& server, bool with_client = true) {
        auto authority = *crypto::TestAuthority::create("ca");
        ASSERT_TRUE(authority.write_ca(dir_ + "/a"));
        ASSERT_TRUE(authority.write_ca(dir_ + "/b"));
        ASSERT_TRUE(authority.issue(dir_ + "/a", "server", server));
        if (with_client) {
            ASSERT_TRUE(authority.issue(dir_ + "/b", "client", {"fred", {}, {}}));
        }
    }

    void connect(const TlsSettings& server, const TlsSettings& client,
                 size_t capacity = MemoryChannel::kDefaultCapacity) {
        auto [a, b] = MemoryChannel::create_pair(capacity);
        server_ = *TlsChannel::create(std::move(a), server);
        client_ = *TlsChannel::create(std::move(b), client);
    }
    // Both at once; what they say about it.
    void shake_hands() {
        Thread other("server", [this] {
            Result<void> done = server_->handshake(patience());
            server_error_ = done ? "" : done.error().message();
            if (!done) server_->shutdown();
        });
        Result<void> done = client_->handshake(patience());
        client_error_ = done ? "" : done.error().message();
        if (!done) client_->shutdown();
        other.join();
    }
    void expect_traffic(size_t size) {
        std::vector<std::byte> sent(size);
        for (size_t i = 0; i < size; ++i)
            sent[i] = static_cast<std::byte>(i * 7 + i / 251);
        std::vector<std::byte> received(size);
        Thread other("server", [&] {
            ASSERT_TRUE(server_->read_exact(received, patience()));
            ASSERT_TRUE(server_->write_all(received, patience()));
        });
        ASSERT_TRUE(client_->write_all(sent, patience()));
        std::vector<std::byte> back(size);
        ASSERT_TRUE(client_->read_exact(back, patience()));
        other.join();
        EXPECT_EQ(received, sent);
        EXPECT_EQ(back, sent);
    }
    bool client_notices() {
        std::array<std::byte, 1> byte{};
        return !client_->read_some(byte, patience());
    }

    std::string dir_ = testing::TempDir() + "qc-tls-" + std::to_string(getpid());
    std::unique_ptr<TlsChannel> server_;
    std::unique_ptr<TlsChannel> client_;
    std::string server_error_;
    std::string client_error_;
};

constexpr TlsEndpoint kServer = TlsEndpoint::kServer;
constexpr TlsEndpoint kClient = TlsEndpoint::kClient;

TEST_F(TlsChannelTest, equal_keys_carry_data_both_ways) {
    connect({psk(kServer, "0123456789abcdef"), {}, {}}, {psk(kClient, "0123456789abcdef"), {}, {}});
    shake_hands();
    EXPECT_EQ(server_error_ + client_error_, "");
    expect_traffic(1);
    expect_traffic(1'000'000);
    EXPECT_TRUE(client_->two_way());
}

TEST_F(TlsChannelTest, narrow_wire_carries_everything_as_well) {
    connect({psk(kServer, "00112233"), {}, {}}, {psk(kClient, "00112233"), {}, {}}, 100);
    shake_hands();
    EXPECT_EQ(server_error_ + client_error_, "");
    expect_traffic(300'000);
}

TEST_F(TlsChannelTest, scattered_parts_arrive_in_order) {
    connect({psk(kServer, "00112233"), {}, {}}, {psk(kClient, "00112233"), {}, {}}, 1000);
    shake_hands();
    std::vector<std::byte> data(200'000);
    for (size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<std::byte>(i / 100);
    std::vector<ConstBytes> parts;
    for (size_t at = 0; at < data.size();) {
        const size_t step = std::min<size_t>(data.size() - at, 1 + at % 5000);
        parts.push_back(ConstBytes(data).subspan(at, step));
        at += step;
    }
    std::vector<std::byte> received(data.size());
    Thread other("reader", [&] { EXPECT_TRUE(server_->read_exact(received, patience())); });
    EXPECT_TRUE(client_->write_vector(parts, patience()));
    other.join();
    EXPECT_EQ(received, data);
}

TEST_F(TlsChannelTest, both_directions_at_once_do_not_disturb_each_other) {
    connect({psk(kServer, "00112233"), {}, {}}, {psk(kClient, "00112233"), {}, {}}, 5000);
    shake_hands();
    constexpr size_t kSize = 100 * 4096;
    auto send = [](Channel& channel, int seed) {
        // 1024 or 20480: both fit a whole number of times.
        std::vector<std::byte> data(seed == 3 ? 1024 : 5 * 4096);
        for (size_t sent = 0; sent < kSize; sent += data.size()) {
            for (size_t i = 0; i < data.size(); ++i)
                data[i] = static_cast<std::byte>((sent + i) * static_cast<size_t>(seed));
            ASSERT_TRUE(channel.write_all(data, patience()));
        }
    };
    auto receive = [](Channel& channel, int seed) {
        std::vector<std::byte> data(4096);
        for (size_t have = 0; have < kSize; have += data.size()) {
            ASSERT_TRUE(channel.read_exact(data, patience()));
            for (size_t i = 0; i < data.size(); ++i) {
                ASSERT_EQ(data[i], static_cast<std::byte>((have + i) * static_cast<size_t>(seed)));
            }
        }
    };
    Thread a("a", [&] { send(*client_, 3); });
    Thread b("b", [&] { send(*server_, 5); });
    Thread c("c", [&] { receive(*server_, 3); });
    receive(*client_, 5);
    a.join();
    b.join();
    c.join();
}

TEST_F(TlsChannelTest, another_key_is_refused_on_both_sides) {
    connect({psk(kServer, "00112233"), {}, {}}, {psk(kClient, "01112233"), {}, {}});
    shake_hands();
    EXPECT_NE(server_error_.find("TLS handshake failed"), std::string::npos) << server_error_;
    EXPECT_TRUE(client_error_ != "" || client_notices());
}

TEST_F(TlsChannelTest, psk_user_must_be_authorised) {
    auto nobody = std::make_shared<crypto::AuthzSimple>("fred");
    connect({psk(kServer, "00112233"), {}, nobody}, {psk(kClient, "00112233"), {}, {}});
    shake_hands();
    EXPECT_NE(server_error_.find("TLS peer 'qemu' is not authorised"), std::string::npos)
        << server_error_;
    EXPECT_TRUE(client_notices());
}

TEST_F(TlsChannelTest, anonymous_ends_encrypt_but_cannot_be_authorised) {
    auto server = *TlsCredentials::create_anon({kServer, {}, {}});
    auto client = *TlsCredentials::create_anon({kClient, {}, {}});
    connect({server, {}, {}}, {client, {}, {}});
    shake_hands();
    EXPECT_EQ(server_error_ + client_error_, "");
    expect_traffic(1000);
    connect({server, {}, std::make_shared<crypto::AuthzSimple>("")}, {client, {}, {}});
    shake_hands();
    EXPECT_NE(server_error_, "");
}

TEST_F(TlsChannelTest, certificates_carry_data_when_the_name_fits) {
    make_certificates({"server", "qemu.test", "127.0.0.1"});
    for (const char* name : {"qemu.test", "127.0.0.1"}) {
        connect({x509(kServer, "/a"), {}, {}}, {x509(kClient, "/b"), name, {}});
        shake_hands();
        EXPECT_EQ(server_error_ + client_error_, "") << name;
        expect_traffic(50'000);
    }
}

TEST_F(TlsChannelTest, other_hostname_is_named_and_the_server_sees_the_end) {
    make_certificates({"server", "qemu.test", {}});
    connect({x509(kServer, "/a"), {}, {}}, {x509(kClient, "/b"), "else.test", {}});
    shake_hands();
    EXPECT_NE(client_error_.find("does not match the hostname else.test"), std::string::npos);
    EXPECT_EQ(server_error_, "") << "it is the client that refuses";
    std::array<std::byte, 1> byte{};
    EXPECT_FALSE(server_->read_some(byte, patience()));
}

TEST_F(TlsChannelTest, client_without_a_hostname_says_what_to_set) {
    make_certificates({"server", "qemu.test", {}});
    connect({x509(kServer, "/a"), {}, {}}, {x509(kClient, "/b"), "", {}});
    shake_hands();
    EXPECT_NE(client_error_.find("tls-hostname"), std::string::npos);
}

TEST_F(TlsChannelTest, expired_certificate_is_refused_by_the_client) {
    make_certificates({"server", "qemu.test", {}, -7200, 3600});
    connect({x509(kServer, "/a", {.sanity_check = false}), {}, {}},
            {x509(kClient, "/b"), "qemu.test", {}});
    shake_hands();
    EXPECT_NE(client_error_.find("the certificate has expired"), std::string::npos)
        << client_error_;
}

TEST_F(TlsChannelTest, certificate_of_another_authority_is_refused) {
    make_certificates({"server", "qemu.test", {}});
    auto other = *crypto::TestAuthority::create("other");
    ASSERT_TRUE(other.write_ca(dir_ + "/b"));
    connect({x509(kServer, "/a", {.verify_peer = false}), {}, {}},
            {x509(kClient, "/b", {.sanity_check = false}), "qemu.test", {}});
    shake_hands();
    EXPECT_NE(client_error_.find("known issuer"), std::string::npos) << client_error_;
}

TEST_F(TlsChannelTest, client_without_a_certificate_gets_in_only_where_it_may) {
    make_certificates({"server", "qemu.test", {}}, false);
    connect({x509(kServer, "/a"), {}, {}}, {x509(kClient, "/b"), "qemu.test", {}});
    shake_hands();
    EXPECT_NE(server_error_, "");
    EXPECT_TRUE(client_error_ != "" || client_notices());
    connect({x509(kServer, "/a", {.verify_peer = false}), {}, {}},
            {x509(kClient, "/b"), "qemu.test", {}});
    shake_hands();
    EXPECT_EQ(server_error_ + client_error_, "");
    expect_traffic(100);
}

TEST_F(TlsChannelTest, distinguished_name_is_what_is_authorised) {
    make_certificates({"server", "qemu.test", {}});
    connect({x509(kServer, "/a"), {}, std::make_shared<crypto::AuthzSimple>("CN=fred")},
            {x509(kClient, "/b"), "qemu.test", {}});
    shake_hands();
    EXPECT_EQ(server_error_, "");
    connect({x509(kServer, "/a"), {}, std::make_shared<crypto::AuthzSimple>("CN=bob")},
            {x509(kClient, "/b"), "qemu.test", {}});
    shake_hands();
    EXPECT_NE(server_error_.find("TLS peer 'CN=fred' is not authorised"), std::string::npos)
        << server_error_;
    EXPECT_TRUE(client_notices());
}

TEST_F(TlsChannelTest, peer_that_speaks_no_tls_is_refused_at_once) {
    auto [a, b] = MemoryChannel::create_pair();
    server_ = *TlsChannel::create(std::move(a), {psk(kServer, "00112233"), {}, {}});
    const std::string text = "QEVM, and more than a record's header";
    ASSERT_TRUE(b->write_all(std::as_bytes(std::span(text))));
    EXPECT_FALSE(server_->handshake(patience()));
}

TEST_F(TlsChannelTest, silent_peer_runs_into_the_deadline) {
    auto [a, b] = MemoryChannel::create_pair();
    server_ = *TlsChannel::create(std::move(a), {psk(kServer, "00112233"), {}, {}});
    auto done = server_->handshake(deadline_in_ms(20));
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().message().find("timed out"), std::string::npos);
}

// Passes a limited number of bytes from one end of a wire to another, then cuts it.
void pass_then_cut(Channel& from, Channel& to, size_t limit) {
    std::array<std::byte, 1> byte{};
    for (; limit > 0; --limit) {
        Result<size_t> count = from.read_some(byte, patience());
        if (!count || *count == 0 || !to.write_all(byte, patience())) break;
    }
    from.shutdown();
    to.shutdown();
}

TEST_F(TlsChannelTest, wire_cut_anywhere_in_the_handshake_is_an_error_on_both_sides) {
    for (size_t limit = 0; limit < 400; limit += 37) {
        auto [client_end, middle_client] = MemoryChannel::create_pair();
        auto [server_end, middle_server] = MemoryChannel::create_pair();
        server_ = *TlsChannel::create(std::move(server_end), {psk(kServer, "00112233"), {}, {}});
        client_ = *TlsChannel::create(std::move(client_end), {psk(kClient, "00112233"), {}, {}});
        Thread up("up", [&, c = middle_client.get(), s = middle_server.get()] {
            pass_then_cut(*c, *s, limit);
        });
        Thread down("down", [&, c = middle_client.get(), s = middle_server.get()] {
            pass_then_cut(*s, *c, SIZE_MAX);
        });
        shake_hands();
        EXPECT_TRUE(server_error_ != "" || limit > 200) << limit;
        EXPECT_TRUE(client_error_ != "" || client_notices()) << limit;
        client_.reset();
        server_.reset();
        up.join();
        down.join();
    }
}

TEST_F(TlsChannelTest, flipped_byte_in_the_stream_is_an_error) {
    connect({psk(kServer, "00112233"), {}, {}}, {psk(kClient, "00112233"), {}, {}});
    auto [client_end, middle_client] = MemoryChannel::create_pair();
    auto [server_end, middle_server] = MemoryChannel::create_pair();
    server_ = *TlsChannel::create(std::move(server_end), {psk(kServer, "00112233"), {}, {}});
    client_ = *TlsChannel::create(std::move(client_end), {psk(kClient, "00112233"), {}, {}});
    std::atomic<bool> flip{false};
    Thread up("up", [&, c = middle_client.get(), s = middle_server.get()] {
        std::array<std::byte, 1> byte{};
        size_t since = 0;
        while (true) {
            Result<size_t> count = c->read_some(byte, patience());
            if (!count || *count == 0) break;
            if (flip && ++since == 20) byte[0] ^= std::byte{4};
            if (!s->write_all(byte, patience())) break;
        }
    });
    Thread down("down", [&, c = middle_client.get(), s = middle_server.get()] {
        pass_then_cut(*s, *c, SIZE_MAX);
    });
    shake_hands();
    EXPECT_EQ(server_error_ + client_error_, "");
    flip = true;
    const std::array<std::byte, 100> data{};
    ASSERT_TRUE(client_->write_all(data, patience()));
    std::array<std::byte, 100> received;
    EXPECT_FALSE(server_->read_exact(received, patience()));
    client_.reset();
    server_.reset();
    up.join();
    down.join();
}

TEST_F(TlsChannelTest, shutdown_from_another_thread_ends_a_read) {
    connect({psk(kServer, "00112233"), {}, {}}, {psk(kClient, "00112233"), {}, {}});
    shake_hands();
    Thread other("other", [this] { client_->shutdown(); });
    std::array<std::byte, 1> byte{};
    EXPECT_FALSE(client_->read_some(byte, patience()));
    EXPECT_FALSE(server_->read_some(byte, patience()));
    other.join();
}

TEST_F(TlsChannelTest, orderly_end_is_an_end_and_not_an_error) {
    connect({psk(kServer, "00112233"), {}, {}}, {psk(kClient, "00112233"), {}, {}});
    shake_hands();
    const std::array<std::byte, 3> data{};
    ASSERT_TRUE(client_->write_all(data, patience()));
    ASSERT_TRUE(client_->finish_writing(patience()));
    std::array<std::byte, 3> received;
    ASSERT_TRUE(server_->read_exact(received, patience()));
    EXPECT_EQ(*server_->read_some(received, patience()), 0u);
}

}  // namespace
}  // namespace qc::io
