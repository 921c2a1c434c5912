// SPDX-License-Identifier: GPL-2.0-or-later
//
// A 256-bit register of a local APIC: one bit for each vector.
//
// Threading: plain value.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>

namespace qc::hw {

struct VectorSet {
    std::array<uint32_t, 8> words{};

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("words", s.words);
    }

    bool test(uint8_t vector) const { return (words[vector / 32] >> (vector % 32)) & 1; }
    void set(uint8_t vector) { words[vector / 32] |= 1u << (vector % 32); }
    void clear(uint8_t vector) { words[vector / 32] &= ~(1u << (vector % 32)); }
    void assign(uint8_t vector, bool value) { value ? set(vector) : clear(vector); }
    std::optional<uint8_t> highest() const {
        for (unsigned i = 8; i-- > 0;) {
            if (words[i] != 0)
                return static_cast<uint8_t>(i * 32 + 31 - std::countl_zero(words[i]));
        }
        return std::nullopt;
    }
};

}  // namespace qc::hw
