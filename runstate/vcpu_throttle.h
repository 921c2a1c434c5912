// SPDX-License-Identifier: GPL-2.0-or-later
//
// Slows vCPUs down: of each period they sleep a share, given in percent. They run
// 10 ms in between, so the period grows with the share:
//
//     |<- 10 ms run ->|<- nap: 10 ms * p / (100 - p) ->|
//
// A nap ends at once when the vCPU is asked to pause.
//
// Threading: thread-safe, apart from creation and destruction; one thread of its
// own while the share is not 0. Owned by VmControl.
#pragma once

#include <chrono>
#include <vector>

#include "util/mutex.h"
#include "util/thread.h"

namespace qc::runstate {

class VcpuThread;

class VcpuThrottle {
 public:
    static constexpr unsigned kMaxPercent = 99;

    // The threads outlive the throttle.
    explicit VcpuThrottle(std::vector<VcpuThread*> threads) : threads_(std::move(threads)) {}
    ~VcpuThrottle();
    VcpuThrottle(const VcpuThrottle&) = delete;
    VcpuThrottle& operator=(const VcpuThrottle&) = delete;

    // 0 to kMaxPercent; 0 lets them run.
    void set_percent(unsigned percent) EXCLUDES(mutex_);
    unsigned percent() const EXCLUDES(mutex_);

    struct Slices {
        std::chrono::nanoseconds nap;
        std::chrono::nanoseconds period;
    };
    static Slices slices(unsigned percent);

 private:
    void body() EXCLUDES(mutex_);

    const std::vector<VcpuThread*> threads_;
    mutable Mutex mutex_;
    CondVar changed_;
    unsigned percent_ GUARDED_BY(mutex_) = 0;
    bool ending_ GUARDED_BY(mutex_) = false;
    Thread thread_;
};

}  // namespace qc::runstate
