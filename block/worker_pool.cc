// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/worker_pool.h"

#include <memory>

#include "util/assert.h"

namespace qc::block {

WorkerPool::~WorkerPool() {
    shut_down();
}

void WorkerPool::run(Work work) {
    MutexLock lock(mutex_);
    QC_ASSERT(!stopping_);
    queue_.push_back(std::move(work));
    if (idle_ < queue_.size() && threads_.size() < max_threads_) {
        threads_.emplace_back("block-worker", [this] { serve(); });
    }
    arrived_.notify_one();
}

void WorkerPool::serve() {
    const auto scratch = std::make_unique_for_overwrite<std::byte[]>(kScratchBytes);
    mutex_.lock();
    while (true) {
        if (queue_.empty()) {
            if (stopping_) break;
            ++idle_;
            arrived_.wait(mutex_);
            --idle_;
            continue;
        }
        Work work = std::move(queue_.front());
        queue_.pop_front();
        mutex_.unlock();
        work({scratch.get(), kScratchBytes});
        work = nullptr;
        mutex_.lock();
    }
    mutex_.unlock();
}

void WorkerPool::shut_down() {
    std::vector<Thread> threads;
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        threads = std::move(threads_);
        threads_.clear();
    }
    arrived_.notify_all();
    for (Thread& thread : threads)
        thread.join();
}

}  // namespace qc::block
