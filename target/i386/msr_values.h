// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// What model-specific registers may hold. WRMSR faults on any other value, and a
// saved state that has one is refused.
//
// Source: Intel SDM vol. 3A, 12.11 (memory types) and vol. 1, 3.3.7.1 (canonical
// addresses).
#include <cstdint>

namespace qc::i386 {

// The upper bits all equal the highest one that takes part in translation.
constexpr bool is_canonical(uint64_t address, unsigned bits = 48) {
    const auto shifted = static_cast<int64_t>(address << (64 - bits));
    return static_cast<uint64_t>(shifted >> (64 - bits)) == address;
}

// UC, WC, WT, WP, WB: what an MTRR can give a range.
constexpr bool is_mtrr_type(uint8_t type) {
    return type <= 1 || (type >= 4 && type <= 6);
}

constexpr bool is_fixed_mtrr(uint64_t eight_types) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (!is_mtrr_type(static_cast<uint8_t>(eight_types >> shift))) return false;
    }
    return true;
}

constexpr bool is_variable_mtrr_base(uint64_t value) {
    return is_mtrr_type(static_cast<uint8_t>(value)) && (value & 0xf00) == 0;
}

constexpr bool is_variable_mtrr_mask(uint64_t value) {
    return (value & 0x7ff) == 0;
}

constexpr bool is_mtrr_def_type(uint64_t value) {
    return is_mtrr_type(static_cast<uint8_t>(value)) && (value & ~uint64_t{0xcff}) == 0;
}

// As the MTRRs' types, and UC-.
constexpr bool is_pat(uint64_t eight_types) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        const auto type = static_cast<uint8_t>(eight_types >> shift);
        if (type != 7 && !is_mtrr_type(type)) return false;
    }
    return true;
}

}  // namespace qc::i386
