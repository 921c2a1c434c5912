// SPDX-License-Identifier: GPL-2.0-or-later
//
// The conformance suite that every stateful device runs from its own unit test:
//
//     TEST(PitState, conformance) {
//         state::check_conformance([] { return std::make_unique<PitSubject>(); }, "i8254.hex");
//     }
//
// It checks: a round trip into a fresh device; a load on a device that has been
// running otherwise, twice, with equal results; every truncation refused and
// nothing changed by it; surplus bytes refused; a future version refused; and
// that random damage never crashes. `golden_file`, relative to
// tests/data/vmstate/, holds the bytes of the fixture's state in hexadecimal;
// with QC_UPDATE_GOLDEN=1 in the environment it is written instead. An empty name:
// the bytes depend on the host (a KVM vCPU), and only the rest is checked.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "state/state_component.h"

namespace qc::state {

struct ConformanceSubject {
    virtual ~ConformanceSubject() = default;
    virtual StateComponent& component() = 0;
    // Drives the device from its reset state; different seeds, different states.
    virtual void exercise(unsigned seed) = 0;
};

// Reports through GoogleTest's expectations.
void check_conformance(const std::function<std::unique_ptr<ConformanceSubject>()>& make,
                       const std::string& golden_file);

}  // namespace qc::state
