// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/gate.h"

#include <utility>

#include "util/assert.h"
#include "util/machine_lock.h"

namespace qc {

Gate::Pass::~Pass() {
    if (gate_ != nullptr) gate_->leave();
}

Gate::Pass::Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}

Gate::Pass& Gate::Pass::operator=(Pass&& other) noexcept {
    if (this != &other) {
        if (gate_ != nullptr) gate_->leave();
        gate_ = std::exchange(other.gate_, nullptr);
    }
    return *this;
}

Gate::~Gate() {
    MutexLock lock(mutex_);
    QC_ASSERT(closing_ && passes_ == 0);
}

std::optional<Gate::Pass> Gate::enter() {
    MutexLock lock(mutex_);
    if (closing_) return std::nullopt;
    ++passes_;
    return std::optional<Pass>(std::in_place, *this);
}

void Gate::close() {
    assert_may_block();
    MutexLock lock(mutex_);
    closing_ = true;
    while (passes_ != 0)
        empty_.wait(mutex_);
}

void Gate::begin_close() {
    MutexLock lock(mutex_);
    closing_ = true;
}

bool Gate::is_closing() const {
    MutexLock lock(mutex_);
    return closing_;
}

void Gate::leave() {
    MutexLock lock(mutex_);
    QC_ASSERT(passes_ > 0);
    // Notified under the mutex: close() may destroy the gate as soon as it can
    // take the mutex again.
    if (--passes_ == 0) empty_.notify_all();
}

}  // namespace qc
