// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/auto_converge.h"

#include <algorithm>

namespace qc::migration {

unsigned AutoConverge::period(uint64_t dirtied_bytes, uint64_t sent_bytes,
                              const Parameters& parameters) {
    uint64_t bearable = sent_bytes / 100 * parameters.throttle_trigger_threshold;
    bool bad = dirtied_bytes > bearable;
    if (!bad || !last_was_bad_) {
        last_was_bad_ = bad;
        return percent_;
    }
    // The next two periods show what this step does.
    last_was_bad_ = false;
    unsigned next = percent_ == 0 ? parameters.cpu_throttle_initial
                                  : percent_ + step(dirtied_bytes, bearable, parameters);
    percent_ = std::min<unsigned>(next, parameters.max_cpu_throttle);
    return percent_;
}

// With cpu-throttle-tailslow no larger than what should just suffice, if writing
// scales with the time that is left to the guest.
unsigned AutoConverge::step(uint64_t dirtied, uint64_t bearable,
                            const Parameters& parameters) const {
    unsigned increment = parameters.cpu_throttle_increment;
    if (!parameters.cpu_throttle_tailslow) return increment;
    double left = 100 - percent_;
    double wanted = left * static_cast<double>(bearable) / static_cast<double>(dirtied);
    return std::min(increment, static_cast<unsigned>(left - wanted));
}

}  // namespace qc::migration
