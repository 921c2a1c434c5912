// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `-kernel`, `-initrd` and `-append` give.
//
// Threading: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace qc::hw {

// What a loader leaves free at the end of memory, for the firmware's tables.
inline constexpr uint64_t kFirmwareReserve = 256 << 10;

struct BootModule {
    // As the user wrote it: a file's name, and what stands behind it.
    std::string text;
    std::vector<std::byte> bytes;
};

struct KernelFiles {
    std::string kernel_name;
    std::vector<std::byte> kernel;
    // Linux has one at most: its initial RAM disk.
    std::vector<BootModule> modules;
    std::string command_line;
};

}  // namespace qc::hw
