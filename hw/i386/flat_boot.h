// SPDX-License-Identifier: GPL-2.0-or-later
//
// A program that is loaded below 4 GiB and entered in 32-bit protected mode, without
// paging and with flat segments, as PVH and Multiboot want it. pc-bios/flatboot.S
// carries it out: it gets the bytes through fw_cfg, and a plan, which is what stands in
// the memory from kPlanAddress on when the program starts:
//
//     0  entry point, EAX, EBX, what stands between two entries of the memory map
//    10  places in the plan, 16 bits each: transfers, their end, and where the ROM puts
//        the map's entries and bytes, lower and upper memory in KiB, the RSDP
//    20  what LGDT loads, the GDT
//   100  the record that EBX points to
//   200  the memory map, filled in by the ROM: 24 bytes an entry
//  1000  the transfers, as fw_cfg's DMA takes them
//
// Source of the DMA's form: QEMU's specification of fw_cfg.
// Threading: pure functions on plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hw/nvram/fw_cfg.h"
#include "util/result.h"

namespace qc::hw {

// Places in the plan, of 32 bits up to kBetween, then of 16.
namespace flat_plan {
inline constexpr size_t kEntry = 0;
inline constexpr size_t kEax = 4;
inline constexpr size_t kEbx = 8;
inline constexpr size_t kBetween = 0xc;
inline constexpr size_t kTransfers = 0x10;
inline constexpr size_t kTransfersEnd = 0x12;
inline constexpr size_t kMapEntriesAt = 0x14;
inline constexpr size_t kMapBytesAt = 0x16;
inline constexpr size_t kLowerKibAt = 0x18;
inline constexpr size_t kUpperKibAt = 0x1a;
inline constexpr size_t kRsdpAt = 0x1c;
inline constexpr size_t kGdtPointer = 0x20;
inline constexpr uint16_t kCode = 8;
inline constexpr uint16_t kData = 0x10;
inline constexpr uint16_t kTask = 0x18;
}  // namespace flat_plan

class FlatBoot {
 public:
    static constexpr uint32_t kPlanAddress = 0x8000;
    static constexpr uint32_t kRecordAddress = kPlanAddress + 0x100;
    // The map's first entry; four bytes before each are Entry::between_map_entries.
    static constexpr uint32_t kMapAddress = kPlanAddress + 0x204;
    static constexpr size_t kMostMapEntries = 128;
    static constexpr uint64_t kPage = 4096;

    explicit FlatBoot(uint64_t ram_below_4g) : ram_below_4g_(ram_below_4g) {}

    // These bytes go there, with zeros behind them up to `memory_size`. An error if that is
    // no memory that a program may have, or taken.
    Result<void> load(uint64_t address, std::span<const std::byte> bytes, uint64_t memory_size);
    // The first page behind everything that has been loaded.
    uint64_t end() const;
    // The last page from which `size` bytes are free for a program.
    Result<uint64_t> place_high(size_t size) const;

    // Of the record at kRecordAddress: what the ROM fills in. Zero: not wanted.
    struct Places {
        uint16_t map_entries = 0;
        uint16_t map_bytes = 0;
        uint16_t lower_kib = 0;
        uint16_t upper_kib = 0;
        uint16_t rsdp = 0;
    };
    struct Entry {
        uint32_t address = 0;
        uint32_t eax = 0;
        std::vector<std::byte> record;
        Places places;
        uint32_t between_map_entries = 0;
    };

    struct Items {
        std::vector<std::byte> plan;
        std::vector<std::byte> data;
    };
    // An error if there are too many pieces.
    Result<Items> finish(const Entry& entry) &&;

 private:
    struct Range {
        uint64_t start = 0;
        uint64_t size = 0;
    };
    std::vector<std::byte> transfers() const;

    uint64_t ram_below_4g_;
    std::vector<Range> taken_;
    struct Piece {
        uint32_t address;
        uint32_t bytes;
        uint64_t zeros;
    };
    std::vector<Piece> pieces_;
    std::vector<std::byte> data_;
};

// For the option ROM, which is handed over as well.
void add_flat_boot(FwCfg& fw_cfg, FlatBoot::Items items);
// The ROM in the firmware's boot order.
inline constexpr std::string_view kFlatBootPath = "/rom@genroms/flatboot.bin";

}  // namespace qc::hw
