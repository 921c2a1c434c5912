// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "migration/colo/codec.h"

namespace qc::migration::colo {

// A running COLO driver, primary or secondary, as the rest of the room steers it.
//
// Threading: thread-safe, never blocks.
class ColoControl {
 public:
    virtual ~ColoControl() = default;
    // Go on alone. Breaks the connection if the driver hangs in it.
    virtual void order() = 0;
    // The peer is lost, though the connection may stand: the heartbeat says so.
    virtual void peer_lost(const std::string& why) = 0;
    // The process ends.
    virtual void quit() = 0;
    virtual void want_checkpoint(Cause cause) = 0;
    virtual void delay_changed(int64_t delay_ms) = 0;
    virtual void verify_changed(bool on) = 0;
    // The guest wants to reset (shut down). True: it has to wait for a checkpoint,
    // which is being asked for.
    virtual bool hold_reset() = 0;
    virtual bool hold_shutdown() = 0;
};

}  // namespace qc::migration::colo
