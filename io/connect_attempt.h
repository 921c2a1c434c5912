// SPDX-License-Identifier: GPL-2.0-or-later
//
// The steps of connecting to an address, none of which blocks:
//
//   start -> resolving -> connecting (address 1) -> connecting (2) ... -> done
//
// Whoever drives it (connect(), Connector) waits in between as next_wait() says.
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "io/resolver.h"
#include "io/socket_address.h"
#include "io/socket_channel.h"
#include "util/event/event_loop.h"
#include "util/unique_fd.h"

namespace qc::io {

class ConnectAttempt {
 public:
    struct Wait {
        int fd;  // -1: for `delay_ms` only
        FdEvents events;
        int64_t delay_ms;
    };

    explicit ConnectAttempt(const SocketAddress& address) : address_(address) {}

    // Goes on as far as is possible. The channel, nothing while waiting, or the
    // error of the last address tried.
    Result<std::optional<std::unique_ptr<SocketChannel>>> advance();
    Wait next_wait() const;
    const SocketAddress& address() const { return address_; }

 private:
    enum class State : uint8_t { kStart, kResolving, kNextAddress, kConnecting, kDone };

    Result<void> start();
    Result<std::unique_ptr<SocketChannel>> finish();
    Result<void> poll_resolver();
    Result<void> try_next_address();
    Result<void> poll_connection();
    // Remembers why an address failed and turns to the next.
    Result<void> address_failed(int error);

    SocketAddress address_;
    State state_ = State::kStart;
    bool waiting_ = false;
    std::unique_ptr<Resolver> resolver_;
    std::vector<RawSocketAddress> candidates_;
    size_t next_ = 0;
    UniqueFd socket_;
};

}  // namespace qc::io
