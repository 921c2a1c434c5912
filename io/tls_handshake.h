// SPDX-License-Identifier: GPL-2.0-or-later
//
// A TLS handshake on an event loop, with a deadline.
//
// Threading: the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "io/tls_channel.h"
#include "util/event/event_loop.h"

namespace qc::io {

class TlsHandshake {
 public:
    static constexpr int64_t kDeadlineMs = 30'000;
    using Callback = std::move_only_function<void(Result<std::unique_ptr<Channel>>)>;

    // Calls back once, from the loop, never from inside start(); the callback may
    // destroy this object. Destroying it earlier drops the channel.
    static Result<std::unique_ptr<TlsHandshake>> start(EventLoop& loop,
                                                       std::unique_ptr<Channel> inner,
                                                       const crypto::TlsSettings& settings,
                                                       Callback callback);

 private:
    TlsHandshake(EventLoop& loop, std::unique_ptr<TlsChannel> channel, Callback callback);
    void step();
    void finish(Result<std::unique_ptr<Channel>> result);

    EventLoop& loop_;
    std::unique_ptr<TlsChannel> channel_;
    Callback callback_;
    EventLoop::Watch watch_;
    EventLoop::Watch deadline_;
};

}  // namespace qc::io
