// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/boot_map.h"

#include "hw/i386/direct/reset_rom.h"
#include "hw/i386/pc_addresses.h"

namespace qc::hw {

namespace {

// The ICH9's chipset configuration.
constexpr uint64_t kRootComplex = 0xfed1c000;
constexpr uint64_t kRootComplexSize = 0x4000;

}  // namespace

std::vector<BootRange> make_boot_map(const BootMapConfig& config) {
    constexpr uint32_t kReserved = BootRange::kReserved;
    std::vector<BootRange> map = {
        {0, kExtendedBiosData, BootRange::kRam},
        {kExtendedBiosData, kMiB - kExtendedBiosData, kReserved},
        {kMiB, config.tables_start - kMiB, BootRange::kRam},
        {config.tables_start, config.ram_below_4g - config.tables_start, kReserved},
    };
    if (config.chipset == PcChipsetKind::kQ35) {
        map.push_back({kEcamStart, kEcamEnd - kEcamStart, kReserved});
        map.push_back({kRootComplex, kRootComplexSize, kReserved});
    }
    map.push_back({kKvmPages, kKvmPagesSize, kReserved});
    map.push_back({k4GiB - kResetRomSize, kResetRomSize, kReserved});
    if (config.ram_above_4g != 0) map.push_back({k4GiB, config.ram_above_4g, BootRange::kRam});
    return map;
}

uint32_t upper_kib(const std::vector<BootRange>& map) {
    for (const BootRange& range : map) {
        if (range.start == kMiB && range.type == BootRange::kRam) {
            return static_cast<uint32_t>(range.size >> 10);
        }
    }
    return 0;
}

}  // namespace qc::hw
