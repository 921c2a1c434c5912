// SPDX-License-Identifier: GPL-2.0-or-later
//
// EventLoop::TimerDriver: one timerfd for each driven queue.
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>

#include "util/assert.h"
#include "util/event/event_loop.h"
#include "util/machine_lock.h"
#include "util/unique_fd.h"

namespace qc {

namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
// Far enough that a re-armed wait costs nothing, near enough for time_t.
constexpr int64_t kLongestDelay = 86'400 * kNsPerSecond;

}  // namespace

struct EventLoop::TimerDriver::Impl {
    Impl(TimerQueue& driven, MachineLock& machine_lock, UniqueFd timer)
        : queue(driven), lock(machine_lock), fd(std::move(timer)) {}

    // timerfd_settime() is thread-safe: a vCPU that arms an earlier timer sets the
    // descriptor from its own thread.
    void fire_in(int64_t delay_ns) {
        // Zero would disarm.
        const int64_t delay = std::clamp<int64_t>(delay_ns, 1, kLongestDelay);
        const itimerspec spec = {
            .it_interval = {},
            .it_value = {.tv_sec = delay / kNsPerSecond, .tv_nsec = delay % kNsPerSecond}};
        QC_ASSERT(timerfd_settime(fd.get(), 0, &spec, nullptr) == 0);
    }
    void disarm() {
        const itimerspec spec = {};
        QC_ASSERT(timerfd_settime(fd.get(), 0, &spec, nullptr) == 0);
    }

    void rearm() REQUIRES(lock) {
        const int64_t deadline = queue.next_deadline_ns();
        if (!enabled.load(std::memory_order_relaxed) || deadline == TimerQueue::kNever) {
            disarm();
            return;
        }
        const int64_t now = queue.clock().now_ns();
        armed_at.store(now, std::memory_order_relaxed);
        fire_in(deadline <= now ? 0 : deadline - now);
    }

    // The clock has not moved in the time that it takes to reach a deadline: it stands
    // still. Whoever moves it calls reschedule().
    bool stands_still() REQUIRES(lock) {
        const int64_t now = queue.clock().now_ns();
        return armed_at.load(std::memory_order_relaxed) == now && queue.next_deadline_ns() > now;
    }

    void on_fired() {
        uint64_t expirations;
        if (read(fd.get(), &expirations, sizeof(expirations)) < 0 && errno == EAGAIN) return;
        MachineLockGuard guard(lock);
        const bool runs = enabled.load(std::memory_order_relaxed);
        if (runs) queue.run_due();
        if (runs && stands_still()) return disarm();
        rearm();
    }

    TimerQueue& queue;
    MachineLock& lock;
    UniqueFd fd;
    // Written under the machine lock or at set-up; see set_enabled().
    std::atomic<bool> enabled{true};
    // The clock's reading when the descriptor was set for a deadline; kNowhere after
    // reschedule().
    static constexpr int64_t kNowhere = std::numeric_limits<int64_t>::min();
    std::atomic<int64_t> armed_at{kNowhere};
    Watch watch;
};

EventLoop::TimerDriver::TimerDriver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EventLoop::TimerDriver::~TimerDriver() {
    impl_->queue.on_earlier_deadline(nullptr);
}

void EventLoop::TimerDriver::reschedule() {
    impl_->armed_at.store(Impl::kNowhere, std::memory_order_relaxed);
    impl_->fire_in(0);
}

void EventLoop::TimerDriver::set_enabled(bool enabled) {
    impl_->enabled.store(enabled, std::memory_order_relaxed);
    reschedule();
}

Result<std::unique_ptr<EventLoop::TimerDriver>> EventLoop::drive_timers(TimerQueue& queue,
                                                                        MachineLock& lock) {
    UniqueFd fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!fd) return fail_errno(errno, "cannot create a timer descriptor");
    auto impl = std::make_unique<TimerDriver::Impl>(queue, lock, std::move(fd));
    TimerDriver::Impl* const raw = impl.get();
    raw->watch = watch_fd(raw->fd.get(), FdEvents::kRead, [raw] { raw->on_fired(); });
    queue.on_earlier_deadline([raw] {
        raw->lock.assert_held();
        raw->rearm();
    });
    raw->fire_in(0);
    return std::unique_ptr<TimerDriver>(new TimerDriver(std::move(impl)));
}

}  // namespace qc
