// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/vcpu_throttle.h"

#include <algorithm>

#include "runstate/vcpu_thread.h"

namespace qc::runstate {

namespace {

constexpr std::chrono::nanoseconds kRun = std::chrono::milliseconds(10);

}  // namespace

VcpuThrottle::~VcpuThrottle() {
    {
        MutexLock lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void VcpuThrottle::set_percent(unsigned percent) {
    {
        MutexLock lock(mutex_);
        percent_ = std::min(percent, kMaxPercent);
        if (percent_ != 0 && !thread_.joinable()) {
            thread_ = Thread("throttle", [this] { body(); });
        }
    }
    changed_.notify_all();
}

unsigned VcpuThrottle::percent() const {
    MutexLock lock(mutex_);
    return percent_;
}

VcpuThrottle::Slices VcpuThrottle::slices(unsigned percent) {
    std::chrono::nanoseconds nap = kRun * percent / (100 - percent);
    return {nap, nap + kRun};
}

void VcpuThrottle::body() {
    MutexLock lock(mutex_);
    while (!ending_) {
        if (percent_ == 0) {
            changed_.wait(mutex_);
            continue;
        }
        Slices slice = slices(percent_);
        auto now = std::chrono::steady_clock::now();
        for (VcpuThread* thread : threads_)
            thread->nap_until(now + slice.nap);
        unsigned percent = percent_;
        while (!ending_ && percent_ == percent) {
            if (!changed_.wait_until(mutex_, now + slice.period)) break;
        }
        if (percent_ == percent) continue;
        // Another share from now on: whoever still sleeps by the old one wakes up.
        for (VcpuThread* thread : threads_)
            thread->nap_until(now);
    }
}

}  // namespace qc::runstate
