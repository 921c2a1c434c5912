// SPDX-License-Identifier: GPL-2.0-or-later
//
// Little-endian numbers at places of a buffer that is there already, in bytes of either
// type. The caller has seen that they lie inside.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "util/assert.h"
#include "util/checked.h"

namespace qc {

// The number of `size` bytes, 8 at most.
template <typename Bytes>
constexpr uint64_t get_le(const Bytes& bytes, size_t at, size_t size) {
    QC_ASSERT(range_fits<size_t>(at, size, bytes.size()));
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i)
        value |= static_cast<uint64_t>(bytes[at + i]) << (8 * i);
    return value;
}
template <std::unsigned_integral T>
constexpr T get_le(const auto& bytes, size_t at) {
    return static_cast<T>(get_le(bytes, at, sizeof(T)));
}

// The lower `size` bytes of the number, 8 at most.
template <typename Bytes>
constexpr void put_le(Bytes&& bytes, size_t at, size_t size, uint64_t value) {
    QC_ASSERT(range_fits<size_t>(at, size, bytes.size()));
    using Byte = std::remove_reference_t<decltype(bytes[at])>;
    for (size_t i = 0; i < size; ++i)
        bytes[at + i] = static_cast<Byte>(value >> (8 * i));
}

// Sets the byte that makes the sum of all a multiple of 256, as firmware tables have it.
inline void set_checksum(std::span<std::byte> bytes, size_t at) {
    uint8_t sum = 0;
    bytes[at] = std::byte{0};
    for (std::byte byte : bytes)
        sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(byte));
    bytes[at] = static_cast<std::byte>(-sum);
}

}  // namespace qc
