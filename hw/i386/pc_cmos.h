// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the board leaves in the CMOS RAM for the firmware: memory sizes, disks,
// boot order. Source: the usual layout of a PC's CMOS (Ralf Brown, CMOS.LST), and
// QEMU's use of bytes 38h, 39h, 3Dh and 5Bh-5Fh as SeaBIOS reads them.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "hw/ide/ide_disk.h"
#include "util/result.h"

namespace qc::hw {

// Indices from 0x0e to 0x7f; the others belong to the clock.
using CmosBytes = std::array<uint8_t, 128>;

struct PcCmosConfig {
    uint64_t ram_below_4g = 0;
    uint64_t ram_above_4g = 0;
    unsigned cpus = 1;
    const IdeDisks* disks = nullptr;
    std::string_view boot_order;
};

// What byte 38h has in its upper half, and byte 3Dh: the order of booting.
struct BootOrderBytes {
    uint8_t third = 0;
    uint8_t first = 0;
};
inline constexpr unsigned kCmosBootThird = 0x38;
inline constexpr unsigned kCmosBootFirst = 0x3d;
// An error names the letter at fault.
Result<BootOrderBytes> boot_order_bytes(std::string_view order);

// An error is about the boot order.
Result<CmosBytes> make_cmos(const PcCmosConfig& config);

}  // namespace qc::hw
