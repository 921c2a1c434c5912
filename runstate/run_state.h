// SPDX-License-Identifier: GPL-2.0-or-later
//
// The states that a VM can be in, as QMP's RunState names them, and which may
// follow which (the transitions that QEMU's documentation and behaviour allow).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace qc::runstate {

enum class RunState : uint8_t {
    kPrelaunch,
    kInmigrate,
    kRunning,
    kPaused,
    kColo,
    kFinishMigrate,
    kPostmigrate,
    kSaveVm,
    kRestoreVm,
    kShutdown,
    kSuspended,
    kWatchdog,
    kGuestPanicked,
    kInternalError,
    kIoError,
    kDebug,
};
inline constexpr unsigned kRunStateCount = 16;

// QMP's spelling: "finish-migrate".
std::string_view to_string(RunState state);
std::optional<RunState> run_state_from_string(std::string_view name);

// The guest's time goes on: it runs, or it sleeps and can be woken up.
constexpr bool is_live(RunState state) {
    return state == RunState::kRunning || state == RunState::kSuspended;
}

// True if a VM may go from `from` to `to`. Staying is always legal.
bool transition_allowed(RunState from, RunState to);

}  // namespace qc::runstate
