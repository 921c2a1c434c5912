// SPDX-License-Identifier: GPL-2.0-or-later
//
// The states that a VM can be in, as QMP's RunState names them, and which may
// follow which.
#pragma once

#include <cstdint>
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

// QMP's spelling: "finish-migrate".
std::string_view to_string(RunState state);

// True if a VM may go from `from` to `to`. Staying is always legal.
bool transition_allowed(RunState from, RunState to);

}  // namespace qc::runstate
