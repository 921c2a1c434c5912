// SPDX-License-Identifier: GPL-2.0-or-later
//
// Arithmetic on numbers that a guest, a peer or a file supplies.
#pragma once

#include <concepts>
#include <optional>

namespace qc {

template <std::integral T>
constexpr std::optional<T> checked_add(T a, T b) {
    T result;
    if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
    return result;
}

template <std::integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
    T result;
    if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
    return result;
}

// True if [offset, offset + length) lies inside [0, size), without overflow.
template <std::unsigned_integral T>
constexpr bool range_fits(T offset, T length, T size) {
    return offset <= size && length <= size - offset;
}

}  // namespace qc
