// SPDX-License-Identifier: GPL-2.0-or-later
//
// Ticks of the interval timer that the processor has not had yet.
//
// An edge that comes while the one before still waits is lost on real hardware, where
// that is a matter of microseconds. A virtual processor may be away from its
// host's for many ticks, while its clocks go on: a guest that counts ticks, as Linux
// does when it tries the timer, would find it broken. So they are kept, and each is
// raised when the processor has taken the one before. Part of their state: a guest that
// goes on elsewhere gets what it is owed.
//
// Threading: caller locks. Owned by the interrupt controllers, for their timer's input.
#pragma once

#include <cstdint>

#include "util/result.h"

namespace qc::hw {

class OwedTicks {
 public:
    // A guest that never takes any, or was away for long, is not drowned in them.
    static constexpr uint8_t kMost = 64;

    // A tick came; `merged`: it became one with one that waits.
    void tick(bool merged) {
        if (merged && owed_ < kMost) ++owed_;
    }
    // The processor took one: true if another is to be raised at once.
    bool pay() {
        if (owed_ == 0) return false;
        --owed_;
        return true;
    }
    void forget() { owed_ = 0; }

    uint8_t count() const { return owed_; }
    static Result<void> validate(uint8_t count) {
        if (count > kMost) return fail("{} timer ticks are owed", count);
        return {};
    }
    void restore(uint8_t count) { owed_ = count; }

 private:
    uint8_t owed_ = 0;
};

}  // namespace qc::hw
