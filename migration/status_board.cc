// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/status_board.h"

#include <utility>

namespace qc::migration {

namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

std::string_view to_string(MigrationStatus status) {
    switch (status) {
        case MigrationStatus::kNone: return "none";
        case MigrationStatus::kSetup: return "setup";
        case MigrationStatus::kActive: return "active";
        case MigrationStatus::kPreSwitchover: return "pre-switchover";
        case MigrationStatus::kDevice: return "device";
        case MigrationStatus::kCancelling: return "cancelling";
        case MigrationStatus::kCancelled: return "cancelled";
        case MigrationStatus::kCompleted: return "completed";
        case MigrationStatus::kFailed: return "failed";
        case MigrationStatus::kColo: return "colo";
    }
    return "none";
}

std::optional<MigrationStatus> migration_status_from_string(std::string_view name) {
    for (auto status = MigrationStatus::kNone; status <= MigrationStatus::kColo;
         status = static_cast<MigrationStatus>(static_cast<int>(status) + 1)) {
        if (to_string(status) == name) return status;
    }
    return std::nullopt;
}

bool StatusBoard::advance(MigrationStatus expected, MigrationStatus next) {
    if (!status_.compare_exchange_strong(expected, next, std::memory_order_acq_rel)) return false;
    if (events_wanted_.load(std::memory_order_relaxed)) listener_.migration_status_changed(next);
    return true;
}

bool StatusBoard::advance_any(std::initializer_list<MigrationStatus> expected,
                              MigrationStatus next) {
    for (MigrationStatus from : expected) {
        if (advance(from, next)) return true;
    }
    return false;
}

void StatusBoard::set_error(std::string message) {
    MutexLock lock(mutex_);
    if (!error_) error_ = std::move(message);
}

std::optional<std::string> StatusBoard::error() const {
    MutexLock lock(mutex_);
    return error_;
}

void StatusBoard::begin() {
    MutexLock lock(mutex_);
    begin_ns_ = clock_.now_ns();
}

void StatusBoard::setup_done() {
    MutexLock lock(mutex_);
    setup_done_ns_ = clock_.now_ns();
}

void StatusBoard::guest_stopped() {
    MutexLock lock(mutex_);
    stopped_ns_ = clock_.now_ns();
}

void StatusBoard::guest_went_on() {
    MutexLock lock(mutex_);
    stopped_ns_ = 0;
}

void StatusBoard::end() {
    MutexLock lock(mutex_);
    if (end_ns_ == 0) end_ns_ = clock_.now_ns();
}

MigrationTimes StatusBoard::times() const {
    MutexLock lock(mutex_);
    MigrationTimes times;
    int64_t until = end_ns_ != 0 ? end_ns_ : clock_.now_ns();
    if (begin_ns_ != 0) times.total_ms = (until - begin_ns_) / kNsPerMs;
    if (setup_done_ns_ != 0) times.setup_ms = (setup_done_ns_ - begin_ns_) / kNsPerMs;
    if (stopped_ns_ != 0 && end_ns_ != 0) times.downtime_ms = (end_ns_ - stopped_ns_) / kNsPerMs;
    times.expected_downtime_ms = expected_downtime_ms_.load();
    return times;
}

void StatusBoard::pass(uint64_t number) {
    ram.dirty_sync_count.store(number, std::memory_order_relaxed);
    if (events_wanted_.load(std::memory_order_relaxed)) listener_.migration_pass(number);
}

}  // namespace qc::migration
