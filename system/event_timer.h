// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tells the monitor when the second of an event with a limited rate is over: a second of
// the host's or, where guest time moves by commands only (qtest), of the guest's.
//
// Threading: call_at() any thread, under any lock; the rest on the main thread. Owned by
// system::Machine; the loop outlives it, or is not run any more.
#pragma once

#include <functional>

#include "util/clock.h"
#include "util/event/event_loop.h"
#include "util/machine_lock.h"
#include "util/timer.h"

namespace qc::system {

class EventTimer {
 public:
    enum class Time : uint8_t { kHost, kGuest };

    // `lock` guards `guest_timers`.
    EventTimer(Time time, EventLoop& loop, MachineLock& lock, TimerQueue& guest_timers);

    // Once, before anything is asked for: what is called, on the main thread.
    void connect(std::function<void()> callback) { callback_ = std::move(callback); }

    const Clock& clock() const;
    void call_at(int64_t deadline_ns);

 private:
    void arm(int64_t deadline_ns);

    const Time time_;
    EventLoop& loop_;
    MachineLock& lock_;
    const RealtimeClock realtime_;
    std::function<void()> callback_;
    EventLoop::Watch watch_;
    const Clock& guest_clock_;
    Timer guest_timer_;
};

}  // namespace qc::system
