// SPDX-License-Identifier: GPL-2.0-or-later
//
// Clocks, in nanoseconds. The virtual clock stands still while the VM is
// stopped and is part of the machine's state; the realtime clock is monotonic
// and never stops; the host clock is wall time.
//
// Threading: now_ns() is thread-safe. VirtualClock's changes are made under the
// machine lock by the run-state code.
#pragma once

#include <atomic>
#include <cstdint>

#include "util/mutex.h"

namespace qc {

class Clock {
 public:
    virtual ~Clock() = default;
    virtual int64_t now_ns() const = 0;
};

class RealtimeClock final : public Clock {
 public:
    int64_t now_ns() const override;
};

class HostClock final : public Clock {
 public:
    int64_t now_ns() const override;
};

// Milliseconds since the host started; unlike the realtime clock it goes on while the
// host sleeps.
int64_t boot_time_ms();

class VirtualClock final : public Clock {
 public:
    // Starts stopped, at 0.
    int64_t now_ns() const override;
    void start();
    void stop();
    bool running() const;
    // Sets the reading; legal while stopped and while running.
    void set_ns(int64_t value);

 private:
    mutable Mutex mutex_;
    bool running_ GUARDED_BY(mutex_) = false;
    // running: reading = realtime + offset_; stopped: reading = offset_.
    int64_t offset_ GUARDED_BY(mutex_) = 0;
};

// For unit tests: moves only when told to.
class FakeClock final : public Clock {
 public:
    int64_t now_ns() const override { return now_.load(std::memory_order_relaxed); }
    void advance_ns(int64_t by) { now_.fetch_add(by, std::memory_order_relaxed); }

 private:
    std::atomic<int64_t> now_{0};
};

}  // namespace qc
