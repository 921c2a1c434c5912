// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "block/drive_options.h"

namespace qc::hw {

enum class PcChipsetKind : uint8_t { kI440fx, kQ35 };

// How many places for disks the machine has.
constexpr block::IdeLayout pc_ide_layout(PcChipsetKind kind) {
    return kind == PcChipsetKind::kQ35 ? block::IdeLayout{.buses = 6, .units = 1}
                                       : block::IdeLayout{.buses = 2, .units = 2};
}

}  // namespace qc::hw
