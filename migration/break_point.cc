// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/break_point.h"

#include "util/machine_lock.h"

namespace qc::migration {

Result<std::unique_ptr<BreakPoint>> BreakPoint::create() {
    return std::unique_ptr<BreakPoint>(new BreakPoint(TRY(io::Interrupt::create())));
}

void BreakPoint::set_channel(io::Channel* channel) {
    MutexLock lock(mutex_);
    channel_ = channel;
    if (channel_ != nullptr && broken()) channel_->shutdown();
}

void BreakPoint::break_all() {
    MutexLock lock(mutex_);
    interrupt_->trigger();
    if (channel_ != nullptr) channel_->shutdown();
    changed_.notify_all();
}

void BreakPoint::break_channel() {
    MutexLock lock(mutex_);
    if (channel_ != nullptr) channel_->shutdown();
}

bool BreakPoint::sleep_until(io::Deadline deadline) {
    assert_may_block();
    MutexLock lock(mutex_);
    while (!broken()) {
        if (!changed_.wait_until(mutex_, deadline)) return true;
    }
    return false;
}

}  // namespace qc::migration
