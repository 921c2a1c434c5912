// SPDX-License-Identifier: GPL-2.0-or-later
//
// Connecting: connect() blocks its thread, a Connector works on an event loop.
//
// Threading: connect() may be called anywhere, without a machine lock. A
// Connector belongs to its loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "io/connect_attempt.h"
#include "io/socket_address.h"
#include "io/socket_channel.h"
#include "io/wait.h"
#include "util/event/event_loop.h"
#include "util/result.h"

namespace qc::io {

// Tries the addresses that a name has one after the other. `interrupt` (may be
// null) breaks it off from another thread.
Result<std::unique_ptr<SocketChannel>> connect(const SocketAddress& address,
                                               Deadline deadline = kNoDeadline,
                                               const Interrupt* interrupt = nullptr);

class Connector {
 public:
    using Callback = std::move_only_function<void(Result<std::unique_ptr<SocketChannel>>)>;

    // Calls back once, from the loop, never from inside start(); the callback may
    // destroy the connector. Destroying it earlier gives up.
    static std::unique_ptr<Connector> start(EventLoop& loop, const SocketAddress& address,
                                            Callback callback);

 private:
    Connector(EventLoop& loop, const SocketAddress& address, Callback callback);
    void step();

    EventLoop& loop_;
    ConnectAttempt attempt_;
    Callback callback_;
    EventLoop::Watch watch_;
};

}  // namespace qc::io
