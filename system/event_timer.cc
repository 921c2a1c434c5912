// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/event_timer.h"

#include <algorithm>

namespace qc::system {

EventTimer::EventTimer(Time time, EventLoop& loop, MachineLock& lock, TimerQueue& guest_timers)
    : time_(time),
      loop_(loop),
      lock_(lock),
      guest_clock_(guest_timers.clock()),
      guest_timer_(guest_timers, [this] { callback_(); }) {}

const Clock& EventTimer::clock() const {
    if (time_ == Time::kHost) return realtime_;
    return guest_clock_;
}

void EventTimer::call_at(int64_t deadline_ns) {
    loop_.post([this, deadline_ns] { arm(deadline_ns); });
}

void EventTimer::arm(int64_t deadline_ns) {
    if (time_ == Time::kGuest) {
        const MachineLockGuard guard(lock_);
        guest_timer_.arm_at_ns(deadline_ns);
        return;
    }
    constexpr int64_t kNsPerMs = 1'000'000;
    const int64_t left = std::max<int64_t>(deadline_ns - realtime_.now_ns(), 0);
    watch_ = loop_.after_ms((left + kNsPerMs - 1) / kNsPerMs, callback_);
}

}  // namespace qc::system
