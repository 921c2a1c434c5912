// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/stepped_time.h"

#include <algorithm>

namespace qc::system {

namespace {

// Deadlines reached before somebody else gets a turn.
constexpr int kDeadlinesInARow = 256;

}  // namespace

std::optional<int64_t> SteppedTime::next_deadline_ns() const {
    const int64_t deadline = core_.virtual_timers.next_deadline_ns();
    if (!runs_ || deadline == TimerQueue::kNever) return std::nullopt;
    return deadline;
}

bool SteppedTime::advance(int64_t target_ns) {
    for (int count = 0; count < kDeadlinesInARow; ++count) {
        const int64_t deadline = next_deadline_ns().value_or(TimerQueue::kNever);
        if (deadline > target_ns) {
            core_.virtual_clock.set_ns(std::max(now_ns(), target_ns));
            core_.clock_changed();
            return true;
        }
        core_.virtual_clock.set_ns(std::max(now_ns(), deadline));
        core_.virtual_timers.run_due();
    }
    return false;
}

void SteppedTime::vm_starting() {
    runs_ = true;
    core_.let_timers_run(true);
}

void SteppedTime::vm_stopped() {
    MachineLockGuard guard(core_.lock);
    runs_ = false;
    core_.let_timers_run(false);
}

}  // namespace qc::system
