// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/machine_lock.h"

#include "util/assert.h"

namespace qc {

namespace {

// The machine locks that this thread holds. More than one at a time is a
// programmer's error (waiting for the second would be blocking under the first).
thread_local constinit const MachineLock* held_lock = nullptr;

}  // namespace

void MachineLock::lock() {
    QC_ASSERT(held_lock == nullptr);
    {
        MutexLock guard(mutex_);
        const uint64_t ticket = next_ticket_++;
        while (now_serving_ != ticket)
            turn_.wait(mutex_);
    }
    held_lock = this;
}

void MachineLock::unlock() {
    QC_ASSERT(held_lock == this);
    held_lock = nullptr;
    bool waiters;
    {
        MutexLock guard(mutex_);
        ++now_serving_;
        waiters = now_serving_ != next_ticket_;
    }
    // All wake, the one with the next ticket goes on. There are as many waiters
    // as there are vCPUs, at most.
    if (waiters) turn_.notify_all();
}

bool MachineLock::held() const {
    return held_lock == this;
}

void MachineLock::assert_held() const {
    QC_ASSERT(held());
}

void assert_may_block() {
    QC_ASSERT(held_lock == nullptr);
}

}  // namespace qc
