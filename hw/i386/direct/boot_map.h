// SPDX-License-Identifier: GPL-2.0-or-later
//
// The memory map that firmware tells a kernel. Source: ACPI specification 6.5, 15.1 (INT
// 15h, E820h), 15.4.
//
// Threading: pure functions on plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "hw/i386/pc_chipset_kind.h"

namespace qc::hw {

struct BootRange {
    static constexpr uint32_t kRam = 1;
    static constexpr uint32_t kReserved = 2;
    uint64_t start = 0;
    uint64_t size = 0;
    uint32_t type = kRam;

    bool operator==(const BootRange&) const = default;
};

struct BootMapConfig {
    PcChipsetKind chipset = PcChipsetKind::kI440fx;
    uint64_t ram_below_4g = 0;
    uint64_t ram_above_4g = 0;
    // From there to the end of the RAM below 4 GiB are tables.
    uint64_t tables_start = 0;
};
// In ascending order; none reaches into another.
std::vector<BootRange> make_boot_map(const BootMapConfig& config);

// Where conventional memory ends, and its last KiB, the extended BIOS data area.
inline constexpr uint32_t kConventionalKib = 639;
inline constexpr uint32_t kExtendedBiosData = kConventionalKib << 10;

// KiB of RAM from 1 MiB on.
uint32_t upper_kib(const std::vector<BootRange>& map);

}  // namespace qc::hw
