// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/zero_page.h"

#include <cstdint>
#include <cstring>

namespace qc::migration {

namespace {

constexpr size_t kPiece = 256;

// Without a branch inside, so that the compiler turns it into vector code.
bool piece_is_zero(const std::byte* piece) {
    uint64_t bits = 0;
    for (size_t i = 0; i < kPiece; i += sizeof(uint64_t)) {
        uint64_t word;
        std::memcpy(&word, piece + i, sizeof word);
        bits |= word;
    }
    return bits == 0;
}

}  // namespace

bool is_zero_page(std::span<const std::byte> page) {
    // Most pages with content show it in the first bytes.
    uint64_t first;
    std::memcpy(&first, page.data(), sizeof first);
    if (first != 0) return false;
    for (size_t i = 0; i < page.size(); i += kPiece) {
        if (!piece_is_zero(page.data() + i)) return false;
    }
    return true;
}

}  // namespace qc::migration
