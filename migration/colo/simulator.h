// SPDX-License-Identifier: GPL-2.0-or-later
//
// Both state machines of COLO, with a cache or (most seeds) with what diverged alone, each with a
// guest of a few pages, on a link that delays, drops and ends, on hosts that crash, with an
// operator who gives orders. Everything follows from a seed. After every event the invariants of
// docs/devel/colo-protocol.rst are checked:
//
//   - the secondary's guest never runs half-loaded;
//   - what it loads is exactly what the primary captured, and it begins to load
//     only when all of that is there;
//   - until then nobody but its own guest changes its memory;
//   - a side goes on alone only if it was told to, or, the primary, if its peer
//     has left for good;
//   - once one side was told and goes on, the other releases nothing more;
//   - a side that lives and is told goes on;
//   - COLO_EXIT comes exactly once.
//
// For tests only. Threading: one thread, no real time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace qc::migration::colo {

struct SimulationResult {
    // Empty if every invariant held; else what was broken, with seed and time.
    std::string violation;
    // What happened, one line an event; only if asked for.
    std::string log;
    // So that a test can see that the seeds reach what they should.
    uint64_t checkpoints = 0;
    bool primary_went_on = false;
    bool secondary_took_over = false;
    bool secondary_died = false;
    bool primary_alone = false;
    bool shut_down = false;
};

// Mistakes of the drivers, so that a test can see that the invariants find them.
enum class Mutant : uint8_t {
    kNone,
    // The primary sends nothing of what only the secondary's guest wrote.
    kForgetsPeersPages,
    // The secondary stores what arrives in its guest's memory.
    kStoresBeforeCommit,
};

SimulationResult simulate(uint64_t seed, bool with_log = false, Mutant mutant = Mutant::kNone);

}  // namespace qc::migration::colo
