// SPDX-License-Identifier: GPL-2.0-or-later
//
// A few threads that do blocking I/O. They start when there is work for them.
//
// Threading: run() is thread-safe; shut_down() is called once, by the owner, when
// nobody calls run() any more. Owned by DriveTable; outlives every BlockBackend.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "util/mutex.h"
#include "util/thread.h"

namespace qc::block {

class WorkerPool {
 public:
    explicit WorkerPool(unsigned max_threads) : max_threads_(max_threads) {}
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // In order of arrival, as threads become free. `scratch` is the thread's own, of
    // kScratchBytes, and warm in its processor's caches.
    using Work = std::move_only_function<void(std::span<std::byte> scratch)>;
    static constexpr size_t kScratchBytes = 128 * 1024;
    void run(Work work);
    // Finishes what is queued and joins the threads. Not under a machine lock.
    void shut_down();

 private:
    void serve();

    const unsigned max_threads_;
    Mutex mutex_;
    CondVar arrived_;
    std::deque<Work> queue_ GUARDED_BY(mutex_);
    std::vector<Thread> threads_ GUARDED_BY(mutex_);
    unsigned idle_ GUARDED_BY(mutex_) = 0;
    bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace qc::block
