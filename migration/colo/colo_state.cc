// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/colo_state.h"

namespace qc::migration::colo {

void ColoState::enter(ColoMode mode) {
    {
        MutexLock lock(mutex_);
        mode_ = mode;
        failover_ = FailoverStatus::kNone;
        loading_ = false;
        link_ = ColoLink::kUp;
        ++session_;
        heard_ms_ = 0;
        acked_ms_ = 0;
    }
    tell_listener();
}

void ColoState::leave() {
    {
        MutexLock lock(mutex_);
        if (mode_ == ColoMode::kNone) return;
        last_mode_ = mode_;
        mode_ = ColoMode::kNone;
        link_ = ColoLink::kNone;
        if (failover_ != FailoverStatus::kNone) failover_ = FailoverStatus::kCompleted;
    }
    tell_listener();
}

void ColoState::end_link(ColoLink how) {
    {
        MutexLock lock(mutex_);
        if (mode_ == ColoMode::kNone) return;
        link_ = how;
    }
    tell_listener();
}

ColoSituation ColoState::situation() const {
    MutexLock lock(mutex_);
    return {.role = mode_,
            .link = link_,
            .session = session_,
            .heard_ms = heard_ms_.load(std::memory_order_acquire),
            .acked_ms = acked_ms_.load(std::memory_order_acquire)};
}

void ColoState::set_listener(std::function<void()> listener) {
    MutexLock lock(listener_mutex_);
    listener_ = std::move(listener);
}

void ColoState::tell_listener() {
    MutexLock lock(listener_mutex_);
    if (listener_) listener_();
}

ColoMode ColoState::mode() const {
    MutexLock lock(mutex_);
    return mode_;
}

ColoStatus ColoState::status() const {
    MutexLock lock(mutex_);
    ColoStatus status{.mode = mode_, .last_mode = last_mode_};
    switch (failover_) {
        case FailoverStatus::kNone: status.reason = ColoExitReason::kNone; break;
        case FailoverStatus::kCompleted: status.reason = ColoExitReason::kRequest; break;
        default:
            status.reason =
                mode_ != ColoMode::kNone ? ColoExitReason::kProcessing : ColoExitReason::kError;
            break;
    }
    return status;
}

FailoverStatus ColoState::failover() const {
    MutexLock lock(mutex_);
    return failover_;
}

Result<void> ColoState::check_request() const {
    MutexLock lock(mutex_);
    return check_request_locked();
}

Result<void> ColoState::check_request_locked() const {
    if (mode_ == ColoMode::kNone) return fail("VM is not in COLO mode");
    if (failover_ != FailoverStatus::kNone) return fail("COLO failover is already activated");
    return {};
}

Result<void> ColoState::request() {
    MutexLock lock(mutex_);
    TRY(check_request_locked());
    failover_ = loading_ ? FailoverStatus::kRelaunch : FailoverStatus::kRequire;
    return {};
}

void ColoState::load_begins() {
    MutexLock lock(mutex_);
    loading_ = true;
    if (failover_ == FailoverStatus::kRequire) failover_ = FailoverStatus::kRelaunch;
}

void ColoState::load_ended() {
    MutexLock lock(mutex_);
    loading_ = false;
    if (failover_ == FailoverStatus::kRelaunch) failover_ = FailoverStatus::kRequire;
}

void ColoState::begin() {
    MutexLock lock(mutex_);
    if (failover_ == FailoverStatus::kRequire) failover_ = FailoverStatus::kActive;
}

}  // namespace qc::migration::colo
