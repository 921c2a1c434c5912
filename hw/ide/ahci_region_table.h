// SPDX-License-Identifier: GPL-2.0-or-later
//
// The walk along a command's table of physical regions. Source: Serial ATA AHCI
// 1.3.1, section 4.2.3.3.
//
// It names pieces of guest memory; whoever calls moves the bytes.
//
// Threading: caller locks. Owned by AhciPort's commands.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

namespace qc::hw {

class AhciRegionTable {
 public:
    struct Region {
        uint64_t address;
        uint32_t bytes;
    };
    struct Entry {
        uint64_t address = 0;  // DBA and DBAU
        uint32_t count = 0;    // the last doubleword
    };
    using ReadEntry = std::function<Entry(uint64_t address)>;

    AhciRegionTable() = default;
    AhciRegionTable(uint64_t address, uint32_t entries) : next_(address), left_(entries) {}

    // The next piece, at most `bytes` (at least 1) long; nothing at the end.
    std::optional<Region> next(uint32_t bytes, const ReadEntry& read_entry) {
        if (region_left_ == 0) {
            if (left_ == 0) return std::nullopt;
            const Entry entry = read_entry(next_);
            next_ += kEntrySize;
            --left_;
            // An odd address or an even count is not allowed: the low bit is ignored.
            region_ = entry.address & ~uint64_t{1};
            region_left_ = (entry.count & kCountBits & ~1u) + 2;
        }
        const Region region{region_, bytes < region_left_ ? bytes : region_left_};
        region_ += region.bytes;
        region_left_ -= region.bytes;
        return region;
    }

 private:
    static constexpr uint64_t kEntrySize = 16;
    static constexpr uint32_t kCountBits = 0x003fffff;  // a byte count, less one

    uint64_t next_ = 0;
    uint32_t left_ = 0;
    uint64_t region_ = 0;
    uint32_t region_left_ = 0;
};

}  // namespace qc::hw
