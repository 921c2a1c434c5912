// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/connector.h"

#include <algorithm>
#include <utility>

#include "util/machine_lock.h"

namespace qc::io {

Result<std::unique_ptr<SocketChannel>> connect(const SocketAddress& address, Deadline deadline,
                                               const Interrupt* interrupt) {
    assert_may_block();
    ConnectAttempt attempt(address);
    while (true) {
        std::optional<std::unique_ptr<SocketChannel>> channel = TRY(attempt.advance());
        if (channel) return *std::move(channel);

        const ConnectAttempt::Wait wait = attempt.next_wait();
        const bool retry = wait.fd < 0;
        const Deadline until = retry ? std::min(deadline, deadline_in_ms(wait.delay_ms)) : deadline;
        switch (wait_for(wait.fd, wait.events, interrupt, until)) {
            case WaitOutcome::kReady: break;
            case WaitOutcome::kInterrupted:
                return fail("Failed to connect to '{}': interrupted", address.short_string());
            case WaitOutcome::kDeadline:
                if (retry && until != deadline) break;
                return fail("Failed to connect to '{}': timed out", address.short_string());
        }
    }
}

Connector::Connector(EventLoop& loop, const SocketAddress& address, Callback callback)
    : loop_(loop), attempt_(address), callback_(std::move(callback)) {}

std::unique_ptr<Connector> Connector::start(EventLoop& loop, const SocketAddress& address,
                                            Callback callback) {
    std::unique_ptr<Connector> connector(new Connector(loop, address, std::move(callback)));
    Connector* const raw = connector.get();
    raw->watch_ = loop.after_ms(0, [raw] { raw->step(); });
    return connector;
}

void Connector::step() {
    Result<std::optional<std::unique_ptr<SocketChannel>>> channel = attempt_.advance();
    if (channel && !*channel) {
        const ConnectAttempt::Wait wait = attempt_.next_wait();
        watch_ = wait.fd >= 0 ? loop_.watch_fd(wait.fd, wait.events, [this] { step(); })
                              : loop_.after_ms(wait.delay_ms, [this] { step(); });
        return;
    }
    watch_ = {};
    // On the stack, because it may destroy this object.
    Callback callback = std::move(callback_);
    if (channel) {
        callback(**std::move(channel));
    } else {
        callback(Failure(std::move(channel).error()));
    }
}

}  // namespace qc::io
