// SPDX-License-Identifier: GPL-2.0-or-later
//
// Inputs and actions that both state machines of COLO have.
//
// Threading: plain values.
#pragma once

#include <cstdint>
#include <string>

#include "migration/colo/codec.h"
#include "migration/migration_status.h"

namespace qc::migration::colo {

// How long a side waits for the other, in milliseconds.
inline constexpr int64_t kStartDeadlineMs = 30'000;
inline constexpr int64_t kAnswerDeadlineMs = 10'000;

// Inputs.
struct PeerMessage {
    uint64_t epoch = 0;
    Message message;
};
struct PeerLost {
    std::string why;
};
// The host refused something that a checkpoint needs.
struct HostFailed {
    std::string why;
};
// What the peer sent is well-formed and cannot be true of this machine.
struct PeerErred {
    std::string why;
};
// x-colo-lost-heartbeat.
struct Ordered {};
// The process ends.
struct Quit {};

// Actions.
struct Send {
    uint64_t epoch = 0;
    Message message;
};
// The guest goes on from where it was frozen, if it ran then. Nothing to do if it
// is not frozen.
struct ReleaseGuest {};
// What the guest asked for (reset, shutdown) need not wait any more.
struct CarryOutRequests {};
struct CloseLink {};
struct ReportExit {
    ColoExitReason reason = ColoExitReason::kError;
    std::string why;
};
// COLO is over on this side. What follows only tells others.
struct Finish {
    enum class Kind : uint8_t {
        kWentOn,    // this side goes on alone
        kShutDown,  // both guests were shut down; the guest stays frozen
        kQuit,      // the process ends; the guest stays as it is
    };
    Kind kind = Kind::kWentOn;
};

}  // namespace qc::migration::colo
