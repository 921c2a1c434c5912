// SPDX-License-Identifier: GPL-2.0-or-later
//
// Inputs on their way to a driver's thread, in order.
//
// Threading: thread-safe; one thread takes.
#pragma once

#include <deque>
#include <optional>

#include "io/wait.h"
#include "util/machine_lock.h"
#include "util/mutex.h"

namespace qc::migration::colo {

template <typename Input>
class Inbox {
 public:
    void post(Input input) EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        queue_.push_back(std::move(input));
        arrived_.notify_one();
    }

    // Nothing if the deadline passed.
    std::optional<Input> take(io::Deadline deadline) EXCLUDES(mutex_) {
        assert_may_block();
        MutexLock lock(mutex_);
        while (queue_.empty()) {
            if (deadline == io::kNoDeadline) {
                arrived_.wait(mutex_);
            } else if (!arrived_.wait_until(mutex_, deadline) && queue_.empty()) {
                return std::nullopt;
            }
        }
        Input input = std::move(queue_.front());
        queue_.pop_front();
        return input;
    }

    size_t size() const EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return queue_.size();
    }

 private:
    mutable Mutex mutex_;
    CondVar arrived_;
    std::deque<Input> queue_ GUARDED_BY(mutex_);
};

}  // namespace qc::migration::colo
