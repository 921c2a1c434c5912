// SPDX-License-Identifier: GPL-2.0-or-later
//
// One-shot timers against a clock. A device's timers live in the machine's
// virtual or host queue; their callbacks run on the main loop under the machine
// lock, and they are armed and cancelled under it, so no timer fires after
// cancel() returned.
//
// Threading: caller locks (the machine lock in a machine; nothing in a unit
// test, which calls run_due() itself after moving a FakeClock).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "util/clock.h"

namespace qc {

class Timer;

class TimerQueue {
 public:
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

    explicit TimerQueue(const Clock& clock) : clock_(clock) {}
    ~TimerQueue();
    TimerQueue(const TimerQueue&) = delete;
    TimerQueue& operator=(const TimerQueue&) = delete;

    const Clock& clock() const { return clock_; }
    // The earliest deadline, in the clock's nanoseconds; kNever if none is armed.
    int64_t next_deadline_ns() const;
    // Runs what is due, in order of deadline, arming time breaking ties. A timer
    // that arms itself again for a time already past runs in the next call.
    void run_due();
    // Called whenever next_deadline_ns() becomes earlier.
    void on_earlier_deadline(std::function<void()> callback);

 private:
    friend class Timer;
    struct Entry {
        int64_t deadline_ns;
        uint64_t sequence;
        Timer* timer;
        auto operator<=>(const Entry&) const = default;
    };
    const Clock& clock_;
    std::set<Entry> armed_;
    uint64_t next_sequence_ = 0;
    std::function<void()> earlier_;
    // The timer whose callback runs now; null if it was destroyed meanwhile.
    Timer* running_ = nullptr;
};

class Timer {
 public:
    Timer(TimerQueue& queue, std::function<void()> callback)
        : queue_(queue), callback_(std::move(callback)) {}
    // May run inside the timer's own callback.
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void arm_at_ns(int64_t deadline_ns);
    void cancel();
    bool armed() const { return armed_; }
    // Meaningful while armed.
    int64_t deadline_ns() const { return deadline_ns_; }

 private:
    friend class TimerQueue;
    TimerQueue& queue_;
    std::function<void()> callback_;
    int64_t deadline_ns_ = 0;
    uint64_t sequence_ = 0;
    bool armed_ = false;
};

}  // namespace qc
