// SPDX-License-Identifier: GPL-2.0-or-later
//
// The six arithmetic flags, kept as what they follow from: the last result and
// the carries out of each bit. Writing them costs a few operations without a
// branch, reading any of them too, and most are never read.
//
//   result   sign-extended to 64 bits; ZF, SF and PF follow from it
//   carries  bit 63: CF; bit 62 xor bit 63: OF; bit 3: AF;
//            bit 2 and bit 0 invert SF and PF (for POPF and its like, which can
//            ask for combinations that no result has)
//
// Threading: plain values.
#pragma once

#include <cstdint>
#include <type_traits>

#include "target/i386/registers.h"

namespace qc::accel::tcg {

struct LazyFlags {
    uint64_t result = 1;
    uint64_t carries = 0;

    bool cf() const { return (carries >> 63) != 0; }
    bool zf() const { return result == 0; }
    bool sf() const { return (((result >> 63) ^ (carries >> 2)) & 1) != 0; }
    bool of() const { return ((carries ^ (carries << 1)) >> 63) != 0; }
    bool af() const { return ((carries >> 3) & 1) != 0; }
    bool pf() const {
        return ((__builtin_parity(static_cast<unsigned>(result & 0xff)) ^ 1u) ^ (carries & 1)) != 0;
    }

    // As bits of EFLAGS.
    uint32_t value() const {
        return (cf() ? i386::eflags::kCf : 0) | (pf() ? i386::eflags::kPf : 0) |
               (af() ? i386::eflags::kAf : 0) | (zf() ? i386::eflags::kZf : 0) |
               (sf() ? i386::eflags::kSf : 0) | (of() ? i386::eflags::kOf : 0);
    }
    void set_value(uint32_t bits) {
        bool zero = (bits & i386::eflags::kZf) != 0;
        bool sign = (bits & i386::eflags::kSf) != 0;
        bool parity = (bits & i386::eflags::kPf) != 0;
        result = zero ? 0 : 1;
        carries = 0;
        // Result 0 stands for PF = 1, result 1 for PF = 0.
        if (parity != zero) carries |= 1;
        if (sign) carries |= 4;
        if ((bits & i386::eflags::kAf) != 0) carries |= 8;
        set_cf_of((bits & i386::eflags::kCf) != 0, (bits & i386::eflags::kOf) != 0);
    }

    void set_cf_of(bool carry, bool overflow) {
        carries = (carries & ~(uint64_t{3} << 62)) | (uint64_t{carry} << 63) |
                  (uint64_t{carry != overflow} << 62);
    }
    // OF keeps its value.
    void set_cf(bool carry) { set_cf_of(carry, of()); }
    void set_zf(bool zero) {
        uint32_t bits = value() & ~i386::eflags::kZf;
        set_value(zero ? bits | i386::eflags::kZf : bits);
    }

    template <typename T>
    static uint64_t extend(T value) {
        return static_cast<uint64_t>(
            static_cast<int64_t>(static_cast<std::make_signed_t<T>>(value)));
    }
    // `out` has, in each bit, the carry or borrow out of that bit.
    template <typename T>
    static uint64_t pack(T out) {
        constexpr unsigned kShift = 64 - sizeof(T) * 8;
        if constexpr (kShift == 0) {
            return out & ~uint64_t{7};
        } else {
            return (static_cast<uint64_t>(out) << kShift) | (out & 8u);
        }
    }

    template <typename T>
    void set_add(T a, T b, T sum) {
        result = extend(sum);
        carries = pack(static_cast<T>((a & b) | ((a | b) & ~sum)));
    }
    template <typename T>
    void set_sub(T a, T b, T difference) {
        result = extend(difference);
        carries = pack(static_cast<T>((~a & b) | ((~a | b) & difference)));
    }
    // CF and OF clear; AF, which is undefined, too.
    template <typename T>
    void set_logic(T value) {
        result = extend(value);
        carries = 0;
    }
    // ZF, SF and PF from `value`.
    template <typename T>
    void set_shift(T value, bool carry, bool overflow) {
        result = extend(value);
        carries = (uint64_t{carry} << 63) | (uint64_t{carry != overflow} << 62);
    }
};

// The sixteen conditions in the encoding of Jcc, SETcc and CMOVcc.
template <unsigned kCondition>
inline bool condition(const LazyFlags& flags) {
    constexpr unsigned kBase = kCondition >> 1;
    bool value = false;
    if constexpr (kBase == 0) value = flags.of();
    if constexpr (kBase == 1) value = flags.cf();
    if constexpr (kBase == 2) value = flags.zf();
    if constexpr (kBase == 3) value = flags.cf() || flags.zf();
    if constexpr (kBase == 4) value = flags.sf();
    if constexpr (kBase == 5) value = flags.pf();
    if constexpr (kBase == 6) value = flags.sf() != flags.of();
    if constexpr (kBase == 7) value = flags.zf() || flags.sf() != flags.of();
    return value != ((kCondition & 1) != 0);
}

}  // namespace qc::accel::tcg
