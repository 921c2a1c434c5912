// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is put into the guest's memory before a kernel starts, and how it starts.
//
// Threading: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hw/core/processor_start.h"
#include "hw/i386/direct/boot_map.h"

namespace qc::hw {

struct BootPiece {
    uint64_t address = 0;
    std::vector<std::byte> bytes;
    uint64_t zeros = 0;  // behind the bytes
};

// What only firmware knows.
struct BootFacts {
    std::vector<BootRange> map;
    uint32_t rsdp = 0;
};

struct LoadedKernel {
    std::vector<BootPiece> pieces;
    FlatEntry entry;
};

}  // namespace qc::hw
