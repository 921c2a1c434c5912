// SPDX-License-Identifier: GPL-2.0-or-later
//
// The tree from which address spaces are drawn: containers with children at
// offsets, RAM, ROM, device registers, and aliases that show a window of another
// region. Where children overlap, the higher priority is seen; among equals the
// one added last.
//
// Changing the tree changes nothing that a guest sees until the address space
// that shows it is told to rebuild() - once, after a group of changes.
//
// Threading: machine lock. Owned by the device or board that made it; a region
// outlives every address space and parent that shows it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memory/io_handler.h"
#include "memory/ram_block.h"

namespace qc::memory {

class MemoryRegion {
 public:
    enum class Kind : uint8_t { kContainer, kRam, kRom, kIo, kAlias };
    struct Child {
        uint64_t offset;
        int priority;
        MemoryRegion* region;
    };

    // `size` is in bytes; 0 means the whole 64-bit space.
    static MemoryRegion container(std::string name, uint64_t size);
    // Guest writes to a kRom region are dropped.
    static MemoryRegion ram(std::string name, RamBlock& block);
    static MemoryRegion rom(std::string name, RamBlock& block);
    static MemoryRegion io(std::string name, uint64_t size, IoHandler& handler);
    // Shows target's bytes [offset, offset + size).
    static MemoryRegion alias(std::string name, MemoryRegion& target, uint64_t offset,
                              uint64_t size);

    void add_child(uint64_t offset, MemoryRegion& child, int priority = 0);
    void remove_child(MemoryRegion& child);
    void move_child(MemoryRegion& child, uint64_t offset);
    void set_enabled(bool enabled) { enabled_ = enabled; }
    // Through this region, RAM below can be read but not written (an alias over
    // shadow RAM that the chipset has write-protected).
    void set_read_only(bool read_only) { read_only_ = read_only; }
    void set_alias_offset(uint64_t offset) { alias_offset_ = offset; }

    const std::string& name() const { return name_; }
    Kind kind() const { return kind_; }
    uint64_t size() const { return size_; }
    bool enabled() const { return enabled_; }
    bool read_only() const { return read_only_; }
    RamBlock* block() const { return block_; }
    IoHandler* handler() const { return handler_; }
    MemoryRegion* alias_target() const { return alias_target_; }
    uint64_t alias_offset() const { return alias_offset_; }
    // By rising priority, in order of adding among equals.
    const std::vector<Child>& children() const { return children_; }

 private:
    MemoryRegion(std::string name, Kind kind, uint64_t size)
        : name_(std::move(name)), kind_(kind), size_(size) {}

    std::string name_;
    Kind kind_;
    uint64_t size_;
    bool enabled_ = true;
    bool read_only_ = false;
    RamBlock* block_ = nullptr;
    IoHandler* handler_ = nullptr;
    MemoryRegion* alias_target_ = nullptr;
    uint64_t alias_offset_ = 0;
    std::vector<Child> children_;
};

}  // namespace qc::memory
