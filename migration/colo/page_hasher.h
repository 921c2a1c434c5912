// SPDX-License-Identifier: GPL-2.0-or-later
//
// Hashes of pages and of their pieces, by which the two sides of a pair find out
// what differs without showing it: XXH3 with the pair's secret. And the digest of
// all that was sent in a checkpoint, whatever the order and the way.
//
// Threading: const and plain values; many threads may hash at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "migration/colo/codec.h"
#include "migration/colo/pair_setup.h"

namespace qc::migration::colo {

// A sum over what it is made of.
struct PagesDigest {
    uint64_t high = 0;
    uint64_t low = 0;
    PagesDigest& operator+=(const Hash128& hash) {
        high += hash.high;
        low += hash.low;
        return *this;
    }
    Hash128 value() const { return {high, low}; }
};

class PageHasher {
 public:
    explicit PageHasher(const HashKey& key) : key_(key) {}

    Hash128 page(std::span<const std::byte> page) const;
    uint64_t piece(std::span<const std::byte> piece) const;
    // hash_words(compare) words.
    void words(Compare compare, std::span<const std::byte> page, std::span<uint64_t> out) const;

    // What a page, or a piece of one, adds to the digest.
    Hash128 sent_page(uint32_t block, uint64_t page, const Hash128& hash) const;
    Hash128 sent_piece(uint32_t block, uint64_t page, unsigned piece, uint64_t hash) const;

 private:
    Hash128 mix(const std::array<uint64_t, 4>& words) const;

    HashKey key_;
};

}  // namespace qc::migration::colo
