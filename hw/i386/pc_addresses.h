// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where things are in the PC's physical address space: by the architecture, and where
// SeaBIOS places them, which firmware tables take for granted.
//
// Threading: constants.
#pragma once

#include <cstdint>

namespace qc::hw {

inline constexpr uint64_t kMiB = 1 << 20;
inline constexpr uint64_t k4GiB = uint64_t{1} << 32;

// Pages that KVM needs for itself on hosts without unrestricted guests. Told to
// every guest, so that one can move between accelerators.
inline constexpr uint64_t kKvmPages = 0xfeffc000;
inline constexpr uint64_t kKvmPagesSize = 0x4000;

// The power management block; on q35 with general-purpose events 20h further.
inline constexpr uint32_t kPmBase = 0x600;
// The q35's configuration window: 256 buses.
inline constexpr uint64_t kEcamStart = 0xb0000000;
inline constexpr uint64_t kEcamEnd = 0xc0000000;

}  // namespace qc::hw
