// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/output_queue.h"

#include <utility>

#include "util/assert.h"

namespace qc::monitor {

void OutputQueue::add(std::string_view text) {
    const MutexLock guard(mutex_);
    queued_ += text;
}

void OutputQueue::add_event(std::string_view text) {
    const MutexLock guard(mutex_);
    if (queued_.size() + writing_left_ + text.size() > limits_.full) {
        ++lost_;
        return;
    }
    queued_ += text;
}

bool OutputQueue::busy() const {
    return size() > limits_.busy;
}
bool OutputQueue::empty() const {
    return size() == 0;
}

size_t OutputQueue::size() const {
    const MutexLock guard(mutex_);
    return queued_.size() + writing_left_;
}

std::string_view OutputQueue::front() {
    const MutexLock guard(mutex_);
    if (writing_left_ == 0) {
        // The text is swapped, not copied: writing goes on without the lock.
        writing_.clear();
        std::swap(writing_, queued_);
        writing_left_ = writing_.size();
    }
    return std::string_view(writing_).substr(writing_.size() - writing_left_);
}

void OutputQueue::taken(size_t count) {
    const MutexLock guard(mutex_);
    QC_ASSERT(count <= writing_left_);
    writing_left_ -= count;
}

uint64_t OutputQueue::take_lost() {
    const MutexLock guard(mutex_);
    if (queued_.size() + writing_left_ > limits_.busy) return 0;
    return std::exchange(lost_, 0);
}

void OutputQueue::clear() {
    const MutexLock guard(mutex_);
    queued_.clear();
    writing_left_ = 0;
    lost_ = 0;
}

}  // namespace qc::monitor
