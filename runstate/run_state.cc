// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/run_state.h"

#include <array>
#include <initializer_list>

namespace qc::runstate {

namespace {

using enum RunState;

constexpr std::array<std::string_view, kRunStateCount> kNames = {
    "prelaunch",      "inmigrate",      "running",    "paused",   "colo",      "finish-migrate",
    "postmigrate",    "save-vm",        "restore-vm", "shutdown", "suspended", "watchdog",
    "guest-panicked", "internal-error", "io-error",   "debug",
};

constexpr uint16_t set_of(std::initializer_list<RunState> states) {
    uint16_t set = 0;
    for (RunState state : states)
        set = static_cast<uint16_t>(set | 1u << static_cast<unsigned>(state));
    return set;
}

// Why a guest may stand still while a migration comes in or ends.
constexpr uint16_t kGuestStopped =
    set_of({kPaused, kShutdown, kSuspended, kWatchdog, kGuestPanicked, kInternalError, kIoError});
constexpr uint16_t kResumable = set_of({kRunning, kSuspended, kFinishMigrate, kPrelaunch});

// From each state, where a VM may go. kPrelaunch is where a reset of a VM that
// cannot go on leads.
constexpr std::array<uint16_t, kRunStateCount> kSuccessors = {
    /* prelaunch */ kResumable | set_of({kInmigrate, kPaused}),
    /* inmigrate */ kGuestStopped | kResumable | set_of({kPostmigrate, kColo}),
    /* running */ kGuestStopped | set_of({kDebug, kFinishMigrate, kRestoreVm, kSaveVm, kColo}),
    /* paused */ kResumable | set_of({kPostmigrate, kColo, kSaveVm, kRestoreVm}),
    /* colo */ kResumable |
        set_of({kShutdown, kPaused, kInternalError, kIoError, kGuestPanicked, kWatchdog}),
    /* finish-migrate */ kGuestStopped | set_of({kRunning, kPostmigrate, kPrelaunch, kColo}),
    /* postmigrate */ kResumable | set_of({kPaused}),
    /* save-vm */ kGuestStopped | set_of({kRunning, kPrelaunch}),
    /* restore-vm */ kGuestStopped | set_of({kRunning, kPrelaunch}),
    /* shutdown */ set_of({kPaused, kFinishMigrate, kPrelaunch, kColo}),
    /* suspended */ kGuestStopped | kResumable | set_of({kRestoreVm, kSaveVm, kColo}),
    /* watchdog */ kResumable | set_of({kColo}),
    /* guest-panicked */ kResumable | set_of({kPaused}),
    /* internal-error */ set_of({kPaused, kFinishMigrate, kPrelaunch}),
    /* io-error */ kResumable,
    /* debug */ kResumable,
};

}  // namespace

std::string_view to_string(RunState state) {
    return kNames[static_cast<unsigned>(state)];
}

std::optional<RunState> run_state_from_string(std::string_view name) {
    for (unsigned i = 0; i < kRunStateCount; ++i)
        if (kNames[i] == name) return static_cast<RunState>(i);
    return std::nullopt;
}

bool transition_allowed(RunState from, RunState to) {
    return from == to ||
           (kSuccessors[static_cast<unsigned>(from)] >> static_cast<unsigned>(to) & 1);
}

}  // namespace qc::runstate
