// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/phase_clock.h"

#include <utility>

#include "migration/trace.h"

namespace qc::migration::colo {

void PhaseClock::begin(Phase phase, uint64_t epoch) {
    trace::colo_phase_begin(side_, epoch, to_string(phase));
    started_[static_cast<size_t>(phase)] = clock_.now_ns();
}

int64_t PhaseClock::end(Phase phase, uint64_t epoch) {
    int64_t started = std::exchange(started_[static_cast<size_t>(phase)], 0);
    if (started == 0) return 0;
    int64_t elapsed = clock_.now_ns() - started;
    trace::colo_phase_end(side_, epoch, to_string(phase), static_cast<uint64_t>(elapsed / 1000));
    statistics_.add_time(phase, elapsed);
    return elapsed;
}

}  // namespace qc::migration::colo
