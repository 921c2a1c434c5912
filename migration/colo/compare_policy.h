// SPDX-License-Identifier: GPL-2.0-or-later
//
// Decides what the next checkpoint compares, by what the last ones have shown:
// nothing (whole pages are sent), pages, or pieces of pages. The measure is bytes
// on the wire, and for hashing as many bytes as could be sent in that time. What
// has not been seen for a while is tried again, less and less often while it does
// not pay.
//
// Threading: plain value. Owned by the primary's driver.
#pragma once

#include <cstdint>

#include "migration/colo/codec.h"

namespace qc::migration::colo {

class ComparePolicy {
 public:
    // What one checkpoint's comparison came to, in pages of the secondary's list.
    struct Outcome {
        Compare compare = Compare::kNothing;
        uint64_t compared = 0;  // all that was listed
        uint64_t equal = 0;
        uint64_t patched = 0;  // sent as pieces
        uint64_t pieces = 0;
        uint64_t whole() const { return compared - equal - patched; }
    };

    Compare next() const { return next_; }
    void learn(const Outcome& outcome);

    // With fewer pages it does not matter.
    static constexpr uint64_t kFewPages = 64;
    static constexpr unsigned kFirstPause = 4;
    static constexpr unsigned kLongestPause = 64;

 private:
    Compare next_ = Compare::kPages;
    Compare best_ = Compare::kPages;  // to go back to after an attempt
    bool trying_ = false;
    unsigned pause_ = kFirstPause;       // checkpoints between two attempts
    unsigned waited_ = kFirstPause - 1;  // the first attempt comes at once
};

}  // namespace qc::migration::colo
