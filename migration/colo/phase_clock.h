// SPDX-License-Identifier: GPL-2.0-or-later
//
// Times the phases of a checkpoint on one side, into the statistics and the
// trace. Phases may overlap.
//
// Threading: the driver's thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "migration/colo/statistics.h"
#include "util/clock.h"

namespace qc::migration::colo {

class PhaseClock {
 public:
    PhaseClock(std::string_view side, ColoStatistics& statistics)
        : side_(side), statistics_(statistics) {}

    void begin(Phase phase, uint64_t epoch);
    // Nanoseconds since begin(); 0 if the phase was not begun.
    int64_t end(Phase phase, uint64_t epoch);
    // What was begun and not ended is not counted.
    void forget_all() { started_.fill(0); }

 private:
    std::string_view side_;
    ColoStatistics& statistics_;
    RealtimeClock clock_;
    std::array<int64_t, kPhaseCount> started_{};
};

}  // namespace qc::migration::colo
