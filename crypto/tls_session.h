// SPDX-License-Identifier: GPL-2.0-or-later
//
// One TLS connection (TLS 1.2 and 1.3: RFC 5246, RFC 8446; PSK: RFC 4279), which
// gets its bytes by way of a TlsWire and never waits:
//
//   handshake() ... kDone -> check_peer() -> read(), write() ... -> end_writing()
//
// Threading: caller locks. Owned by a channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "crypto/authz.h"
#include "crypto/tls_credentials.h"
#include "util/result.h"

namespace qc::crypto {

// The encrypted bytes under a session.
class TlsWire {
 public:
    // Nothing if there is nothing now; 0 at the end. An error is the wire's own,
    // which it remembers: the session only says that there was one.
    virtual Result<std::optional<size_t>> pull(std::span<std::byte> buffer) = 0;
    // Takes all of it.
    virtual void push(std::span<const std::byte> data) = 0;

 protected:
    ~TlsWire() = default;
};

struct TlsSettings {
    TlsCredentials::Pointer credentials;
    // Clients of x509: the name that the server's certificate must have.
    std::string hostname;
    // Servers: who may connect; nullptr: everybody who proves to be somebody.
    std::shared_ptr<const Authz> authz;
};

class TlsSession {
 public:
    // `wire` outlives the session.
    static Result<std::unique_ptr<TlsSession>> create(const TlsSettings& settings, TlsWire& wire);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    // True when it is done; false: call again when the wire has something to pull.
    Result<bool> handshake();
    // After the handshake: the peer is who it must be. A server tells one that is
    // not. `Result` says what was wrong.
    Result<void> check_peer();

    // Nothing if nothing has arrived; 0 at the peer's orderly end. An end without
    // TLS's own is an error.
    Result<std::optional<size_t>> read(std::span<std::byte> buffer);
    // Decrypted bytes that a read() takes without pulling.
    size_t readable() const;
    // Encrypts one record and pushes it; how much of `data` that was.
    Result<size_t> write(std::span<const std::byte> data);
    // Tells the peer that this was all.
    void end_writing();

    static constexpr size_t kMaxRecord = 16384;

 private:
    struct State;
    TlsSession(const TlsSettings& settings, TlsWire& wire);
    Result<void> start();
    Result<void> check_certificate();
    // The name that the peer has proved: a distinguished name, a PSK's user name.
    Result<std::string> identity() const;
    Failure failed(std::string_view doing, int code) const;

    TlsSettings settings_;
    TlsWire& wire_;
    std::unique_ptr<State> state_;
};

}  // namespace qc::crypto
