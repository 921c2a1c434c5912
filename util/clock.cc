// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/clock.h"

#include <ctime>

namespace qc {

namespace {

int64_t read_clock(clockid_t id) {
    timespec now;
    clock_gettime(id, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

int64_t RealtimeClock::now_ns() const {
    return read_clock(CLOCK_MONOTONIC);
}

int64_t HostClock::now_ns() const {
    return read_clock(CLOCK_REALTIME);
}

int64_t boot_time_ms() {
    return read_clock(CLOCK_BOOTTIME) / 1'000'000;
}

int64_t VirtualClock::now_ns() const {
    MutexLock lock(mutex_);
    return running_ ? read_clock(CLOCK_MONOTONIC) + offset_ : offset_;
}

void VirtualClock::start() {
    MutexLock lock(mutex_);
    if (running_) return;
    offset_ -= read_clock(CLOCK_MONOTONIC);
    running_ = true;
}

void VirtualClock::stop() {
    MutexLock lock(mutex_);
    if (!running_) return;
    offset_ += read_clock(CLOCK_MONOTONIC);
    running_ = false;
}

bool VirtualClock::running() const {
    MutexLock lock(mutex_);
    return running_;
}

void VirtualClock::set_ns(int64_t value) {
    MutexLock lock(mutex_);
    offset_ = running_ ? value - read_clock(CLOCK_MONOTONIC) : value;
}

}  // namespace qc
