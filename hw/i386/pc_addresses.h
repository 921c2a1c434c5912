// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where things are that firmware places: as SeaBIOS does it, which firmware tables take
// for granted.
//
// Threading: constants.
#pragma once

#include <cstdint>

namespace qc::hw {

// The power management block; on q35 with general-purpose events 20h further.
inline constexpr uint32_t kPmBase = 0x600;
// The q35's configuration window: 256 buses.
inline constexpr uint64_t kEcamStart = 0xb0000000;
inline constexpr uint64_t kEcamEnd = 0xc0000000;

}  // namespace qc::hw
