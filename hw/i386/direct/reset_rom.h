// SPDX-License-Identifier: GPL-2.0-or-later
//
// What stands in place of firmware in a machine that starts without: a ROM whose reset
// vector resets the whole machine, so that whoever jumps there, or sends the first
// processor an INIT, starts the kernel again. Source: Intel SDM vol. 3, 10.1.4 (first
// instruction); 82371SB (PIIX3) datasheet, 2.5.5.2 (RC).
//
// Threading: pure function.
#pragma once

#include <cstddef>
#include <vector>

namespace qc::hw {

inline constexpr size_t kResetRomSize = 0x10000;

std::vector<std::byte> make_reset_rom();

}  // namespace qc::hw
