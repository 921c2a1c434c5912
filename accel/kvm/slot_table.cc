// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/slot_table.h"

#include <algorithm>

namespace qc::kvm {

using memory::kPageSize;

namespace {

// The whole pages inside a range; size 0 if there are none.
Slot slot_of(const memory::FlatRange& range) {
    const uint64_t start = (range.start + kPageSize - 1) & ~(kPageSize - 1);
    const uint64_t end = (range.last + 1) & ~(kPageSize - 1);
    Slot slot;
    if (start < range.start || end <= start) return slot;
    slot.address = start;
    slot.offset = range.offset + (start - range.start);
    slot.block = range.block;
    slot.read_only = range.read_only;
    if (slot.offset % kPageSize == 0) slot.size = end - start;
    return slot;
}

bool continues(const Slot& first, const Slot& second) {
    return first.block == second.block && first.read_only == second.read_only &&
           first.address + first.size == second.address &&
           first.offset + first.size == second.offset;
}

bool contains(const std::vector<Slot>& slots, const Slot& wanted) {
    return std::ranges::any_of(slots,
                               [&](const Slot& slot) { return slot.shows_the_same_as(wanted); });
}

}  // namespace

std::vector<Slot> wanted_slots(const memory::FlatView& view) {
    std::vector<Slot> wanted;
    for (const memory::FlatRange& range : view.ranges()) {
        if (!range.block) continue;
        Slot slot = slot_of(range);
        if (slot.size == 0) continue;
        if (!wanted.empty() && continues(wanted.back(), slot)) {
            wanted.back().size += slot.size;
        } else {
            wanted.push_back(slot);
        }
    }
    return wanted;
}

SlotChanges SlotTable::update(const memory::FlatView& view) {
    const std::vector<Slot> wanted = wanted_slots(view);
    SlotChanges changes;
    std::erase_if(slots_, [&](const Slot& slot) {
        if (contains(wanted, slot)) return false;
        changes.removed.push_back(slot);
        return true;
    });
    for (Slot slot : wanted) {
        if (contains(slots_, slot) || slots_.size() >= max_slots_) continue;
        slot.id = free_id();
        slots_.push_back(slot);
        changes.added.push_back(slot);
    }
    return changes;
}

uint32_t SlotTable::free_id() const {
    std::vector<bool> used(slots_.size() + 1);
    for (const Slot& slot : slots_)
        if (slot.id < used.size()) used[slot.id] = true;
    return static_cast<uint32_t>(std::ranges::find(used, false) - used.begin());
}

}  // namespace qc::kvm
