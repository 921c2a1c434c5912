// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/zero_page.h"

#include <cstdint>
#include <cstring>

namespace qc::migration {

namespace {

constexpr size_t kPiece = 256;

using Vector [[gnu::vector_size(16)]] = uint64_t;

Vector load(const std::byte* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}

// Four sums keep two loads a cycle under way, which is more than memory delivers;
// wider vectors than every host has would wait for it as well.
bool piece_is_zero(const std::byte* piece) {
    Vector a{};
    Vector b{};
    Vector c{};
    Vector d{};
    for (const std::byte* end = piece + kPiece; piece != end; piece += 4 * sizeof(Vector)) {
        a |= load(piece);
        b |= load(piece + sizeof(Vector));
        c |= load(piece + 2 * sizeof(Vector));
        d |= load(piece + 3 * sizeof(Vector));
    }
    const Vector all = (a | b) | (c | d);
    return (all[0] | all[1]) == 0;
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
