// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/memory_region.h"

#include <algorithm>
#include <limits>

#include "util/assert.h"

namespace qc::memory {

MemoryRegion MemoryRegion::container(std::string name, uint64_t size) {
    if (size == 0) size = std::numeric_limits<uint64_t>::max();
    return {std::move(name), Kind::kContainer, size};
}

MemoryRegion MemoryRegion::ram(std::string name, RamBlock& block) {
    MemoryRegion region(std::move(name), Kind::kRam, block.size());
    region.block_ = &block;
    return region;
}

MemoryRegion MemoryRegion::rom(std::string name, RamBlock& block) {
    MemoryRegion region(std::move(name), Kind::kRom, block.size());
    region.block_ = &block;
    region.read_only_ = true;
    return region;
}

MemoryRegion MemoryRegion::io(std::string name, uint64_t size, IoHandler& handler) {
    MemoryRegion region(std::move(name), Kind::kIo, size);
    region.handler_ = &handler;
    return region;
}

MemoryRegion MemoryRegion::alias(std::string name, MemoryRegion& target, uint64_t offset,
                                 uint64_t size) {
    MemoryRegion region(std::move(name), Kind::kAlias, size);
    region.alias_target_ = &target;
    region.alias_offset_ = offset;
    return region;
}

void MemoryRegion::add_child(uint64_t offset, MemoryRegion& child, int priority) {
    QC_ASSERT(kind_ == Kind::kContainer);
    auto after = std::ranges::upper_bound(children_, priority, {}, &Child::priority);
    children_.insert(after, Child{offset, priority, &child});
}

void MemoryRegion::remove_child(MemoryRegion& child) {
    std::erase_if(children_, [&](const Child& entry) { return entry.region == &child; });
}

void MemoryRegion::move_child(MemoryRegion& child, uint64_t offset) {
    auto entry = std::ranges::find(children_, &child, &Child::region);
    QC_ASSERT(entry != children_.end());
    entry->offset = offset;
}

}  // namespace qc::memory
