// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/compare_policy.h"

#include <algorithm>

namespace qc::migration::colo {

namespace {

constexpr uint64_t kPageBytes = kPieceSize * kPiecesPerPage;
// Both sides read and hash a page in the time in which about this much is sent.
constexpr uint64_t kHashingBytes = 512;
constexpr uint64_t kPageHashBytes = hash_words(Compare::kPages) * sizeof(uint64_t);
constexpr uint64_t kPieceHashBytes = hash_words(Compare::kPieces) * sizeof(uint64_t);

}  // namespace

// What each way costs for the same pages. Only pieces tell all three; pages tell
// two, and pieces are worth an attempt if many pages differ.
void ComparePolicy::learn(const Outcome& outcome) {
    if (outcome.compared < kFewPages) return;
    const uint64_t differ = outcome.compared - outcome.equal;
    const uint64_t nothing = outcome.compared * kPageBytes;
    const uint64_t pages =
        outcome.compared * (kPageHashBytes + kHashingBytes) + differ * kPageBytes;
    const uint64_t pieces = outcome.compared * (kPieceHashBytes + kHashingBytes) +
                            outcome.pieces * kPieceSize + outcome.patched * kPiecePageSize +
                            outcome.whole() * kPageBytes;
    switch (outcome.compare) {
        case Compare::kNothing: break;
        case Compare::kPages: best_ = pages <= nothing ? Compare::kPages : Compare::kNothing; break;
        case Compare::kPieces: {
            const uint64_t least = std::min({nothing, pages, pieces});
            const Compare best = least == pieces  ? Compare::kPieces
                                 : least == pages ? Compare::kPages
                                                  : Compare::kNothing;
            // An attempt that taught nothing new need not be repeated soon.
            if (trying_) {
                pause_ =
                    best == Compare::kPieces ? kFirstPause : std::min(2 * pause_, kLongestPause);
            }
            best_ = best;
            break;
        }
    }
    const bool many_differ = differ * kPageBytes > outcome.compared * kPieceHashBytes;
    const bool worth_a_try =
        outcome.compare == Compare::kNothing || (outcome.compare == Compare::kPages && many_differ);
    trying_ = best_ != Compare::kPieces && worth_a_try && ++waited_ >= pause_;
    if (trying_ || best_ == Compare::kPieces) waited_ = 0;
    next_ = trying_ ? Compare::kPieces : best_;
}

}  // namespace qc::migration::colo
