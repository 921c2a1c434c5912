// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the heartbeat does to COLO, and whom it tells.
//
// Threading: called in the heartbeat's thread; nothing here takes the machine lock,
// apart from stop_guest(), which is called in the thread that may wait.
#pragma once

#include <functional>
#include <string>

#include "migration/colo/colo_state.h"
#include "migration/heartbeat/fsm.h"

namespace qc::migration::heartbeat {

class PairControl {
 public:
    virtual ~PairControl() = default;
    virtual colo::ColoSituation situation() const = 0;
    // Called back, in any thread, when the situation's role or link changed. Empty: no
    // more; no call comes after the return.
    virtual void listen(std::function<void()> listener) = 0;
    // COLO's peer is lost; a primary stops its guest. Returns before that is done.
    virtual void drop_peer(const std::string& why) = 0;
    // This side goes on alone. Returns before that is done.
    virtual Result<void> go_on() = 0;
    // A checkpoint, for a sign of life.
    virtual void probe() = 0;
    // The guest is not to run any more. May wait.
    virtual void stop_guest() = 0;
};

// Must not block.
class HeartbeatListener {
 public:
    struct Common {
        std::string id;  // the object's
        ColoMode role = ColoMode::kNone;
        uint64_t generation = 0;
        ArbiterKind arbiter = ArbiterKind::kNone;
    };
    virtual ~HeartbeatListener() = default;
    virtual void heartbeat_changed(const Common& common, HeartbeatFsm::State state,
                                   bool path_silent) = 0;
    virtual void heartbeat_lost(const Common& common, Reason reason, int64_t silence_ms) = 0;
    virtual void heartbeat_decided(const Common& common,
                                   const HeartbeatFsm::ReportDecision& decision) = 0;
};

}  // namespace qc::migration::heartbeat
