// SPDX-License-Identifier: GPL-2.0-or-later
//
// A certificate authority for tests: writes the files that TlsCredentials read
// into directories.
//
// Threading: plain functions.
#pragma once

#include <cstdint>
#include <string>

#include "util/result.h"

namespace qc::crypto {

struct TestCertificate {
    std::string common_name;
    std::string dns_name;  // subject alternative names, if not empty
    std::string ip_address;
    int64_t valid_from_s = -3600;  // from now
    int64_t valid_for_s = 86'400;  // from there
};

class TestAuthority {
 public:
    static Result<TestAuthority> create(const std::string& name);
    ~TestAuthority();
    TestAuthority(TestAuthority&& other) noexcept;
    TestAuthority& operator=(TestAuthority&&) = delete;

    // Writes DIR/ca-cert.pem; DIR exists.
    Result<void> write_ca(const std::string& dir) const;
    // Writes DIR/`role`-cert.pem and DIR/`role`-key.pem; `role` is server or client.
    Result<void> issue(const std::string& dir, const std::string& role,
                       const TestCertificate& certificate) const;

 private:
    struct State;
    explicit TestAuthority(State* state) : state_(state) {}
    State* state_;
};

}  // namespace qc::crypto
