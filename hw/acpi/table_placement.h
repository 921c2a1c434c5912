// SPDX-License-Identifier: GPL-2.0-or-later
//
// What firmware does with "etc/table-loader": the tables get places in the guest's
// memory, pointers between them their values, and checksums become right. For a machine
// that starts without firmware. Source: QEMU's fw_cfg file "etc/table-loader", as
// hw/acpi/table_loader.h describes it.
//
// Threading: pure function on plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "util/result.h"

namespace qc::hw {

enum class TableZone : uint8_t { kHigh = 1, kFSegment = 2 };

struct TableFile {
    std::string name;
    std::vector<std::byte> bytes;
};

struct PlacedTable {
    std::string name;
    uint32_t address = 0;
    std::vector<std::byte> bytes;
};

// An address for so many bytes, a multiple of `alignment`, which is a power of two.
using TableAllocator =
    std::function<Result<uint32_t>(TableZone zone, size_t size, uint32_t alignment)>;

// Carries the commands out. An error says which command cannot be, and why: a file that
// does not exist or has no place yet, a field outside of its file, a command unknown here.
// Files without a place are left out.
Result<std::vector<PlacedTable>> place_tables(std::span<const std::byte> commands,
                                              std::vector<TableFile> files,
                                              const TableAllocator& allocate);

}  // namespace qc::hw
