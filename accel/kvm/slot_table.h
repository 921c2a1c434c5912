// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which memory slots a VM needs to show a flat view, and what changes lead from
// one view to the next. Pure: no KVM in here.
//
// Threading: caller locks.
#pragma once

#include <cstdint>
#include <vector>

#include "memory/flat_view.h"
#include "memory/ram_block.h"

namespace qc::kvm {

struct Slot {
    uint32_t id = 0;
    uint64_t address = 0;  // guest physical, page-aligned
    uint64_t size = 0;     // bytes, whole pages
    memory::RamBlock* block = nullptr;
    uint64_t offset = 0;  // into the block, page-aligned
    bool read_only = false;

    // All but the id.
    bool shows_the_same_as(const Slot& other) const {
        return address == other.address && size == other.size && block == other.block &&
               offset == other.offset && read_only == other.read_only;
    }
    uint64_t page_count() const { return size / memory::kPageSize; }
};

struct SlotChanges {
    std::vector<Slot> removed;  // to be deleted before any is added
    std::vector<Slot> added;
};

class SlotTable {
 public:
    explicit SlotTable(uint32_t max_slots) : max_slots_(max_slots) {}

    // Makes the table show `view`. RAM that cannot be mapped - not whole pages, or
    // more slots than there are - is left out: accesses to it exit as MMIO.
    SlotChanges update(const memory::FlatView& view);
    const std::vector<Slot>& slots() const { return slots_; }

 private:
    uint32_t free_id() const;

    uint32_t max_slots_;
    std::vector<Slot> slots_;
};

// The slots that show `view`, without ids, by rising address; ranges that continue
// each other are one slot.
std::vector<Slot> wanted_slots(const memory::FlatView& view);

}  // namespace qc::kvm
