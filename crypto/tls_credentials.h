// SPDX-License-Identifier: GPL-2.0-or-later
//
// Keys and certificates for one end of TLS connections, read from files with the
// names that QEMU gives them:
//
//   psk   keys.psk                       lines of USER:HEXKEY
//   x509  ca-cert.pem, ca-crl.pem        who signs the peers; revoked ones (optional)
//         server-cert.pem, server-key.pem, client-cert.pem, client-key.pem
//   all   dh-params.pem                  servers only, optional
//
// A certificate that could not work is refused when it is loaded, by name and
// reason (`sanity_check`).
//
// Threading: immutable; thread-safe. Shared by the object that names them and the
// sessions that use them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "util/result.h"

namespace qc::crypto {

enum class TlsEndpoint : uint8_t { kClient, kServer };
enum class TlsKind : uint8_t { kPsk, kX509, kAnon };

class TlsCredentials {
 public:
    struct Common {
        TlsEndpoint endpoint = TlsEndpoint::kClient;
        std::string dir;       // may be empty for kAnon, and for clients of x509's CA only
        std::string priority;  // GnuTLS's syntax; empty: "NORMAL"
    };
    struct X509 {
        bool verify_peer = true;
        bool sanity_check = true;
        std::string key_password;  // empty: the key is not encrypted
    };
    using Pointer = std::shared_ptr<const TlsCredentials>;

    static Result<Pointer> create_psk(const Common& common, const std::string& username);
    static Result<Pointer> create_x509(const Common& common, const X509& x509);
    static Result<Pointer> create_anon(const Common& common);
    ~TlsCredentials();
    TlsCredentials(const TlsCredentials&) = delete;
    TlsCredentials& operator=(const TlsCredentials&) = delete;

    TlsEndpoint endpoint() const { return endpoint_; }
    TlsKind kind() const { return kind_; }
    // kX509: whether the peer must have a certificate that our CA signed.
    bool verify_peer() const { return verify_peer_; }

 private:
    friend class TlsSession;
    struct State;
    TlsCredentials(TlsKind kind, const Common& common);
    Result<void> load_dh_params(const std::string& dir);

    TlsKind kind_;
    TlsEndpoint endpoint_;
    std::string priority_;
    bool verify_peer_ = true;
    std::unique_ptr<State> state_;
};

}  // namespace qc::crypto
