// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/tls_credentials.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/test_certificates.h"

namespace qc::crypto {
namespace {

constexpr TlsEndpoint kClient = TlsEndpoint::kClient;
constexpr TlsEndpoint kServer = TlsEndpoint::kServer;

class TlsCredentialsTest : public testing::Test {
 protected:
    TlsCredentialsTest() { std::filesystem::create_directories(dir_); }
    ~TlsCredentialsTest() override { std::filesystem::remove_all(dir_); }

    void write(const std::string& name, const std::string& text) {
        std::ofstream(dir_ + "/" + name) << text;
    }
    static std::string error_of(const Result<TlsCredentials::Pointer>& result) {
        return result ? "" : result.error().message();
    }
    std::string psk_error(TlsEndpoint endpoint, const std::string& username = {}) {
        return error_of(TlsCredentials::create_psk({endpoint, dir_, {}}, username));
    }
    std::string x509_error(TlsEndpoint endpoint) {
        return error_of(TlsCredentials::create_x509({endpoint, dir_, {}}, {}));
    }
    void expect_x509_error(TlsEndpoint endpoint, const std::string& part) {
        EXPECT_NE(x509_error(endpoint).find(part), std::string::npos) << x509_error(endpoint);
    }

    std::string dir_ = testing::TempDir() + "qc-creds-" + std::to_string(getpid());
};

TEST_F(TlsCredentialsTest, psk_files_are_read_and_what_is_wrong_is_named) {
    EXPECT_NE(psk_error(kServer).find(dir_ + "/keys.psk"), std::string::npos);
    EXPECT_NE(psk_error(kClient).find(dir_ + "/keys.psk"), std::string::npos);
    write("keys.psk", "other:00ff00ff\nqemu:5f2a9b00\r\nbad:xyz\n");
    EXPECT_EQ(psk_error(kServer), "");
    EXPECT_EQ(psk_error(kClient), "");
    EXPECT_EQ(psk_error(kClient, "other"), "");
    EXPECT_EQ(psk_error(kClient, "nobody"), "Username nobody not found in " + dir_ + "/keys.psk");
    EXPECT_NE(psk_error(kClient, "bad"), "");
    EXPECT_NE(psk_error(kServer, "qemu"), "");
    EXPECT_NE(error_of(TlsCredentials::create_psk({}, "")).find("'dir'"), std::string::npos);
}

TEST_F(TlsCredentialsTest, missing_certificates_are_named) {
    expect_x509_error(kServer, dir_ + "/ca-cert.pem");
    auto authority = *TestAuthority::create("ca");
    ASSERT_TRUE(authority.write_ca(dir_));
    expect_x509_error(kServer, dir_ + "/server-cert.pem");
    EXPECT_EQ(x509_error(kClient), "") << "a client needs no certificate";
    ASSERT_TRUE(authority.issue(dir_, "server", {"host", "host", {}}));
    EXPECT_EQ(x509_error(kServer), "");
    std::filesystem::remove(dir_ + "/server-key.pem");
    expect_x509_error(kServer, dir_ + "/server-key.pem");
}

TEST_F(TlsCredentialsTest, certificates_that_could_not_work_are_refused) {
    auto authority = *TestAuthority::create("ca");
    ASSERT_TRUE(authority.write_ca(dir_));
    ASSERT_TRUE(authority.issue(dir_, "server", {"host", "host", {}, -7200, 3600}));
    expect_x509_error(kServer, "server-cert.pem has expired");
    ASSERT_TRUE(authority.issue(dir_, "server", {"host", "host", {}, 3600, 3600}));
    expect_x509_error(kServer, "server-cert.pem is not yet active");
    ASSERT_TRUE(authority.issue(dir_, "client", {"host", "host", {}}));
    std::filesystem::rename(dir_ + "/client-cert.pem", dir_ + "/server-cert.pem");
    std::filesystem::rename(dir_ + "/client-key.pem", dir_ + "/server-key.pem");
    expect_x509_error(kServer, "does not allow use with a TLS server");
    auto other = *TestAuthority::create("other");
    ASSERT_TRUE(other.issue(dir_, "server", {"host", "host", {}}));
    expect_x509_error(kServer, "known issuer");
    // A certificate in the place of the CA's.
    std::filesystem::copy_file(dir_ + "/server-cert.pem", dir_ + "/ca-cert.pem",
                               std::filesystem::copy_options::overwrite_existing);
    expect_x509_error(kServer, "ca-cert.pem");
}

TEST_F(TlsCredentialsTest, sanity_check_can_be_left_out) {
    auto authority = *TestAuthority::create("ca");
    ASSERT_TRUE(authority.write_ca(dir_));
    ASSERT_TRUE(authority.issue(dir_, "server", {"host", "host", {}, -7200, 3600}));
    EXPECT_TRUE(TlsCredentials::create_x509({kServer, dir_, {}}, {.sanity_check = false}));
}

TEST_F(TlsCredentialsTest, garbage_is_refused) {
    for (const char* text :
         {"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}) {
        write("ca-cert.pem", text);
        expect_x509_error(kClient, "ca-cert.pem");
        EXPECT_FALSE(TlsCredentials::create_x509({kClient, dir_, {}}, {.sanity_check = false}) &&
                     *text == '-')
            << text;
    }
    write("dh-params.pem", "x");
    EXPECT_NE(error_of(TlsCredentials::create_anon({kServer, dir_, {}})).find("dh-params.pem"),
              std::string::npos);
    EXPECT_TRUE(TlsCredentials::create_anon({kServer, {}, {}}));
}

}  // namespace
}  // namespace qc::crypto
