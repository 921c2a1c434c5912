// SPDX-License-Identifier: GPL-2.0-or-later
//
// An address space as a sorted list of ranges that do not overlap: what is left
// of a region tree once priorities, aliases and disabled regions are resolved.
// Immutable; an AddressSpace swaps it whole.
#pragma once

#include <cstdint>
#include <vector>

#include "memory/memory_region.h"
#include "memory/phys_addr.h"

namespace qc::memory {

struct FlatRange {
    uint64_t start = 0;
    uint64_t last = 0;          // inclusive, so that the top of the space can be said
    RamBlock* block = nullptr;  // RAM or ROM; null for device registers
    IoHandler* handler = nullptr;
    uint64_t offset = 0;  // into the block, or into the handler's region, at `start`
    bool read_only = false;

    bool contains(uint64_t address) const { return address >= start && address <= last; }
    bool operator==(const FlatRange&) const = default;
};

class FlatView {
 public:
    explicit FlatView(const MemoryRegion& root);

    // The range that holds `address`, or null: nothing answers there.
    const FlatRange* find(PhysAddr address) const;
    const std::vector<FlatRange>& ranges() const { return ranges_; }

 private:
    struct Window;
    void render(const MemoryRegion& region, const Window& window);
    void insert(const FlatRange& range);

    std::vector<FlatRange> ranges_;
};

}  // namespace qc::memory
