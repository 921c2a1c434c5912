// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine lock guards device models and the machine's topology, and nothing
// else. It is never held across anything that can wait for a peer, a disk or
// another thread's progress: blocking primitives in io/ and util/ call
// assert_may_block(), which fails in a thread that holds any machine lock.
//
// The lock is fair: waiters are served first come, first served, so that a vCPU
// that polls a device cannot starve the main loop. Not recursive.
//
// Threading: thread-safe. Owned by system::Machine; tests make their own.
#pragma once

#include <cstdint>

#include "util/mutex.h"

namespace qc {

class CAPABILITY("machine lock") MachineLock {
 public:
    MachineLock() = default;
    MachineLock(const MachineLock&) = delete;
    MachineLock& operator=(const MachineLock&) = delete;

    void lock() ACQUIRE();
    void unlock() RELEASE();

    // True if the calling thread holds this lock.
    bool held() const;

    // Tells the analysis, and checks, that the caller holds the lock. For
    // callbacks whose type cannot carry the annotation.
    void assert_held() const ASSERT_CAPABILITY(this);

 private:
    Mutex mutex_;
    CondVar turn_;
    uint64_t next_ticket_ GUARDED_BY(mutex_) = 0;
    uint64_t now_serving_ GUARDED_BY(mutex_) = 0;
};

class SCOPED_CAPABILITY MachineLockGuard {
 public:
    explicit MachineLockGuard(MachineLock& lock) ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
    ~MachineLockGuard() RELEASE() { lock_.unlock(); }
    MachineLockGuard(const MachineLockGuard&) = delete;
    MachineLockGuard& operator=(const MachineLockGuard&) = delete;

 private:
    MachineLock& lock_;
};

// Asserts that the calling thread holds no machine lock. Called by whatever may
// wait for a peer, a disk or another thread.
void assert_may_block();

}  // namespace qc
