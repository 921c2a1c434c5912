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

void BreakPoint::add_channel(io::Channel& channel) {
    MutexLock lock(mutex_);
    more_channels_.push_back(&channel);
    if (broken()) channel.shutdown();
}

void BreakPoint::remove_channel(io::Channel& channel) {
    MutexLock lock(mutex_);
    std::erase(more_channels_, &channel);
}

void BreakPoint::shut_channels() {
    if (channel_ != nullptr) channel_->shutdown();
    for (io::Channel* channel : more_channels_)
        channel->shutdown();
}

void BreakPoint::break_all() {
    MutexLock lock(mutex_);
    interrupt_->trigger();
    shut_channels();
    changed_.notify_all();
}

void BreakPoint::break_channel() {
    MutexLock lock(mutex_);
    shut_channels();
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
