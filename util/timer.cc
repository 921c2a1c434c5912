// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/timer.h"

#include "util/assert.h"

namespace qc {

TimerQueue::~TimerQueue() {
    QC_ASSERT(armed_.empty());
}

int64_t TimerQueue::next_deadline_ns() const {
    return armed_.empty() ? kNever : armed_.begin()->deadline_ns;
}

void TimerQueue::run_due() {
    const int64_t now = clock_.now_ns();
    // Whatever is armed from here on waits for the next call.
    const uint64_t sequence_end = next_sequence_;
    while (true) {
        auto next = armed_.begin();
        while (next != armed_.end() && next->deadline_ns <= now && next->sequence >= sequence_end) {
            ++next;
        }
        if (next == armed_.end() || next->deadline_ns > now) return;

        Timer* const timer = next->timer;
        armed_.erase(next);
        timer->armed_ = false;
        // The callback is held here while it runs, because it may destroy its
        // timer; ~Timer() says so through `running_`.
        std::function<void()> callback = std::move(timer->callback_);
        Timer* const outer = std::exchange(running_, timer);
        callback();
        if (running_ == timer) timer->callback_ = std::move(callback);
        running_ = outer;
    }
}

void TimerQueue::on_earlier_deadline(std::function<void()> callback) {
    earlier_ = std::move(callback);
}

Timer::~Timer() {
    cancel();
    if (queue_.running_ == this) queue_.running_ = nullptr;
}

void Timer::arm_at_ns(int64_t deadline_ns) {
    cancel();
    const int64_t before = queue_.next_deadline_ns();
    deadline_ns_ = deadline_ns;
    sequence_ = queue_.next_sequence_++;
    armed_ = true;
    queue_.armed_.insert({deadline_ns_, sequence_, this});
    if (deadline_ns < before && queue_.earlier_) queue_.earlier_();
}

void Timer::cancel() {
    if (!armed_) return;
    armed_ = false;
    queue_.armed_.erase({deadline_ns_, sequence_, this});
}

}  // namespace qc
