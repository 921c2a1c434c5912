// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/page_hasher.h"

#include <xxhash.h>

#include <bit>

namespace qc::migration::colo {

namespace {

// Pages and pieces in the digest never look the same.
constexpr uint64_t kPieceMark = uint64_t{1} << 63;

}  // namespace

static_assert(std::tuple_size_v<HashKey> >= XXH3_SECRET_SIZE_MIN);

Hash128 PageHasher::page(std::span<const std::byte> page) const {
    XXH128_hash_t hash =
        XXH3_128bits_withSecret(page.data(), page.size(), key_.data(), key_.size());
    return {hash.high64, hash.low64};
}

uint64_t PageHasher::piece(std::span<const std::byte> piece) const {
    return XXH3_64bits_withSecret(piece.data(), piece.size(), key_.data(), key_.size());
}

void PageHasher::words(Compare compare, std::span<const std::byte> page,
                       std::span<uint64_t> out) const {
    if (compare == Compare::kPages) {
        Hash128 hash = this->page(page);
        out[0] = hash.high;
        out[1] = hash.low;
        return;
    }
    for (size_t i = 0; i < kPiecesPerPage; ++i)
        out[i] = piece(page.subspan(i * kPieceSize, kPieceSize));
}

Hash128 PageHasher::sent_page(uint32_t block, uint64_t page, const Hash128& hash) const {
    return mix({hash.high, hash.low, block, page});
}

Hash128 PageHasher::sent_piece(uint32_t block, uint64_t page, unsigned piece, uint64_t hash) const {
    return mix({hash, piece, block | kPieceMark, page});
}

Hash128 PageHasher::mix(const std::array<uint64_t, 4>& words) const {
    std::array<uint64_t, 4> bytes = words;
    // Both sides must get the same.
    if constexpr (std::endian::native == std::endian::big) {
        for (uint64_t& word : bytes)
            word = std::byteswap(word);
    }
    XXH128_hash_t hash =
        XXH3_128bits_withSecret(bytes.data(), sizeof bytes, key_.data(), key_.size());
    return {hash.high64, hash.low64};
}

}  // namespace qc::migration::colo
