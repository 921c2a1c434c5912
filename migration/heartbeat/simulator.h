// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two heartbeats' state machines, with a COLO pair and an arbiter of a few lines,
// on connections that delay, stall, break and heal, on hosts that crash and
// processes that stand still. Everything follows from a seed. Checked:
//
//   - at no moment may both sides be heard (a primary's guest that runs, a
//     secondary that was told to go on);
//   - no side goes on that the rules do not let;
//   - at the end, if the pair came apart and a side that may go on lives and
//     reaches its arbiter, then one side goes on.
//
// For tests only. Threading: one thread, no real time.
#pragma once

#include <cstdint>
#include <string>

namespace qc::migration::heartbeat {

struct SimulationResult {
    // Empty if every rule held; else what was broken, with seed and time.
    std::string violation;
    std::string log;  // only if asked for
    // So that a test can see that the seeds reach what they should.
    bool armed = false;
    bool came_apart = false;  // somebody lost the peer
    bool primary_went_on = false;
    bool secondary_went_on = false;
    bool refused = false;
    bool unreachable = false;
    bool path_silent = false;  // one connection was missed, the pair went on
};

SimulationResult simulate(uint64_t seed, bool with_log = false);

}  // namespace qc::migration::heartbeat
