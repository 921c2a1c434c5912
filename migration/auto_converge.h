// SPDX-License-Identifier: GPL-2.0-or-later
//
// Decides how much a guest is slowed down that writes faster than its memory can be
// sent (capability auto-converge). Fed with the figures of one period after the
// other, it raises the throttle when two periods in a row were bad.
//
// Threading: one thread. Pure. Owned by PrecopySource.
#pragma once

#include <cstdint>

#include "migration/parameters.h"

namespace qc::migration {

class AutoConverge {
 public:
    // A period is at least this long.
    static constexpr int64_t kPeriodNs = 1'000'000'000;

    // What the guest wrote and what was sent in the period that ended. Returns the
    // throttle from now on, in percent.
    unsigned period(uint64_t dirtied_bytes, uint64_t sent_bytes, const Parameters& parameters);
    unsigned percent() const { return percent_; }

 private:
    unsigned step(uint64_t dirtied, uint64_t bearable, const Parameters& parameters) const;

    unsigned percent_ = 0;
    bool last_was_bad_ = false;
};

}  // namespace qc::migration
