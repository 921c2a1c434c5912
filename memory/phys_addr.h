// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstdint>

namespace qc::memory {

// An address in a guest's physical address space (or a port number in its I/O
// space). Not an index into anything on the host.
struct PhysAddr {
    uint64_t value = 0;

    constexpr PhysAddr() = default;
    constexpr explicit PhysAddr(uint64_t address) : value(address) {}
    constexpr auto operator<=>(const PhysAddr&) const = default;
    constexpr PhysAddr operator+(uint64_t offset) const { return PhysAddr(value + offset); }
};

// The unit of dirty tracking, of RAM transfer and of code invalidation.
inline constexpr unsigned kPageBits = 12;
inline constexpr uint64_t kPageSize = uint64_t{1} << kPageBits;

}  // namespace qc::memory
