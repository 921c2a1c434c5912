// SPDX-License-Identifier: GPL-2.0-or-later
//
// Ticks of the interval timer that the processor has not had yet.
//
// An edge that comes while the one before still waits is lost on real hardware, where
// that is a matter of microseconds. A virtual processor may be away from its
// host's for many ticks, while its clocks go on: a guest that counts ticks, as Linux
// does when it tries the timer, would find it broken. So they are kept, and each is
// raised when the processor has taken the one before. Not part of the state: what is
// owed to a guest when it is loaded elsewhere is lost.
//
// Threading: caller locks. Owned by the interrupt controllers, for their timer's input.
#pragma once

#include <algorithm>

namespace qc::hw {

class OwedTicks {
 public:
    // A guest that never takes any, or was away for long, is not drowned in them.
    static constexpr unsigned kMost = 64;

    // A tick came; `merged`: it became one with one that waits.
    void tick(bool merged) {
        if (merged) owed_ = std::min(owed_ + 1, kMost);
    }
    // The processor took one: true if another is to be raised at once.
    bool pay() {
        if (owed_ == 0) return false;
        --owed_;
        return true;
    }
    void forget() { owed_ = 0; }

 private:
    unsigned owed_ = 0;
};

}  // namespace qc::hw
