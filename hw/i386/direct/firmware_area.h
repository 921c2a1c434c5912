// SPDX-License-Identifier: GPL-2.0-or-later
//
// The memory that firmware keeps for tables: the 64 KiB below 1 MiB, which are filled
// upwards and hold its ROM as well, and the end of RAM below 4 GiB, which is filled
// downwards.
//
// Threading: caller locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hw/acpi/table_placement.h"
#include "hw/i386/direct/boot_pieces.h"
#include "util/result.h"

namespace qc::hw {

class FirmwareArea {
 public:
    static constexpr uint32_t kFSegment = 0xf0000;

    explicit FirmwareArea(uint64_t ram_below_4g);

    // An error if there is no room. `alignment` is a power of two.
    Result<uint32_t> allocate(TableZone zone, size_t size, uint32_t alignment);
    // At an address that allocate() gave.
    void put(uint32_t address, std::span<const std::byte> bytes);
    // The page at which the high zone begins now.
    uint64_t high_start() const;
    // All of it.
    std::vector<BootPiece> take() &&;

 private:
    uint64_t ram_end_;
    uint64_t high_;  // allocated from there on
    size_t low_ = 0;
    std::vector<std::byte> f_segment_;
    std::vector<BootPiece> pieces_;
};

}  // namespace qc::hw
