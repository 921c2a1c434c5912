// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/system_requests.h"

#include <utility>

namespace qc::runstate {

std::string_view to_string(ShutdownCause cause) {
    switch (cause) {
        case ShutdownCause::kNone: return "none";
        case ShutdownCause::kHostError: return "host-error";
        case ShutdownCause::kHostQmpQuit: return "host-qmp-quit";
        case ShutdownCause::kHostQmpSystemReset: return "host-qmp-system-reset";
        case ShutdownCause::kHostSignal: return "host-signal";
        case ShutdownCause::kHostUi: return "host-ui";
        case ShutdownCause::kGuestShutdown: return "guest-shutdown";
        case ShutdownCause::kGuestReset: return "guest-reset";
        case ShutdownCause::kGuestPanic: return "guest-panic";
        case ShutdownCause::kSubsystemReset: return "subsystem-reset";
        case ShutdownCause::kSnapshotLoad: return "snapshot-load";
    }
    return "none";
}

bool caused_by_guest(ShutdownCause cause) {
    return cause == ShutdownCause::kGuestShutdown || cause == ShutdownCause::kGuestReset ||
           cause == ShutdownCause::kGuestPanic;
}

SystemRequests::SystemRequests(Config config, std::function<void()> wake)
    : config_(config), wake_(std::move(wake)) {}

void SystemRequests::request_debug_exit(uint8_t status) {
    {
        MutexLock lock(mutex_);
        if (!debug_exit_) debug_exit_ = status;
    }
    wake_main_loop();
}

void SystemRequests::request_guest_sleep(hw::SleepKind kind) {
    if (kind == hw::SleepKind::kToDisk) {
        {
            MutexLock lock(mutex_);
            slept_to_disk_ = true;
        }
        request_shutdown(ShutdownCause::kGuestShutdown);
        return;
    }
    {
        MutexLock lock(mutex_);
        sleep_ = true;
    }
    wake_main_loop();
}

void SystemRequests::request_wake_up() {
    {
        MutexLock lock(mutex_);
        wake_up_ = true;
    }
    wake_main_loop();
}

void SystemRequests::report_internal_error() {
    {
        MutexLock lock(mutex_);
        internal_error_ = true;
    }
    wake_main_loop();
}

void SystemRequests::request_reset(ShutdownCause cause) {
    if (config_.reset_is_shutdown && cause != ShutdownCause::kSubsystemReset) {
        request_shutdown(cause);
        return;
    }
    {
        MutexLock lock(mutex_);
        note(reset_, cause);
    }
    wake_main_loop();
}

void SystemRequests::request_shutdown(ShutdownCause cause) {
    {
        MutexLock lock(mutex_);
        note(shutdown_, cause);
    }
    wake_main_loop();
}

SystemRequests::Actions SystemRequests::take() {
    MutexLock lock(mutex_);
    woken_ = false;
    Actions actions;
    actions.internal_error = std::exchange(internal_error_, false);
    actions.debug_exit = std::exchange(debug_exit_, std::nullopt);
    actions.shutdown = take_entry(RequestKind::kShutdown, shutdown_);
    actions.reset = take_entry(RequestKind::kReset, reset_);
    if (actions.shutdown) actions.slept_to_disk = std::exchange(slept_to_disk_, false);
    actions.sleep = std::exchange(sleep_, false);
    actions.wake_up = std::exchange(wake_up_, false);
    return actions;
}

void SystemRequests::set_policy(RequestPolicy* policy) {
    bool wake;
    {
        MutexLock lock(mutex_);
        policy_ = policy;
        wake = policy == nullptr && deferred();
    }
    if (wake) wake_main_loop();
}

void SystemRequests::release_deferred() {
    {
        MutexLock lock(mutex_);
        if (!deferred()) return;
        for (std::optional<Entry>* entry : {&reset_, &shutdown_})
            if (*entry && (*entry)->deferred) (*entry)->released = true;
    }
    wake_main_loop();
}

void SystemRequests::drop_deferred() {
    MutexLock lock(mutex_);
    for (std::optional<Entry>* entry : {&reset_, &shutdown_})
        if (*entry && (*entry)->deferred && !(*entry)->released) entry->reset();
}

bool SystemRequests::has_deferred() const {
    MutexLock lock(mutex_);
    return deferred();
}

// The host's word does not wait behind a guest's that is held back.
void SystemRequests::note(std::optional<Entry>& entry, ShutdownCause cause) {
    if (!entry || (entry->deferred && !caused_by_guest(cause))) entry = Entry{cause};
}

bool SystemRequests::deferred() const {
    return (reset_ && reset_->deferred) || (shutdown_ && shutdown_->deferred);
}

bool SystemRequests::may_proceed(RequestKind kind, const Entry& entry) {
    if (!policy_ || entry.released) return true;
    if (kind == RequestKind::kShutdown && !caused_by_guest(entry.cause)) return true;
    return policy_->decide(kind, entry.cause) == RequestPolicy::Decision::kProceed;
}

std::optional<ShutdownCause> SystemRequests::take_entry(RequestKind kind,
                                                        std::optional<Entry>& entry) {
    if (!entry) return std::nullopt;
    if (!may_proceed(kind, *entry)) {
        entry->deferred = true;
        return std::nullopt;
    }
    ShutdownCause cause = entry->cause;
    entry.reset();
    return cause;
}

void SystemRequests::wake_main_loop() {
    {
        MutexLock lock(mutex_);
        if (woken_) return;
        woken_ = true;
    }
    wake_();
}

}  // namespace qc::runstate
