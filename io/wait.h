// SPDX-License-Identifier: GPL-2.0-or-later
//
// Waiting for a descriptor with a deadline and a way to be interrupted.
//
// Threading: Interrupt is thread-safe; wait_for() blocks its caller, who must
// not hold a machine lock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "util/event/event_loop.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::io {

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline kNoDeadline = Deadline::max();

inline Deadline deadline_in_ms(int64_t ms) {
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

// Breaks the blocking calls that were given it, those under way and those to
// come. Whoever wants to break a connect or an accept keeps one beside it.
class Interrupt {
 public:
    static Result<std::unique_ptr<Interrupt>> create();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    // Never blocks; for good.
    void trigger() noexcept;
    bool triggered() const noexcept { return triggered_.load(std::memory_order_acquire); }
    // Readable once triggered.
    int fd() const { return fd_.get(); }

 private:
    explicit Interrupt(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
    std::atomic<bool> triggered_{false};
};

enum class WaitOutcome : uint8_t { kReady, kInterrupted, kDeadline };

// Waits until `fd` is ready for `events` (hang-up and error count), `interrupt`
// (may be null) is triggered, or the deadline passes. A negative `fd` is never
// ready.
WaitOutcome wait_for(int fd, FdEvents events, const Interrupt* interrupt, Deadline deadline);

}  // namespace qc::io
