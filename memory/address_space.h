// SPDX-License-Identifier: GPL-2.0-or-later
//
// One address space of a machine (memory, or I/O ports): a root region and the
// flat view drawn from it.
//
// Threading: view() and generation() are thread-safe. rebuild(), listeners and
// every access that may reach a device register are made under the machine lock;
// read() and write() that are known to hit RAM may be made without it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "memory/flat_view.h"
#include "memory/memory_region.h"
#include "memory/phys_addr.h"
#include "util/mutex.h"

namespace qc::memory {

// Told, under the machine lock, that the flat view was replaced.
class AddressSpaceListener {
 public:
    virtual ~AddressSpaceListener() = default;
    virtual void view_changed(const FlatView& before, const FlatView& after) = 0;
};

class AddressSpace {
 public:
    explicit AddressSpace(MemoryRegion& root);
    AddressSpace(const AddressSpace&) = delete;
    AddressSpace& operator=(const AddressSpace&) = delete;

    // Draws the flat view anew and tells the listeners if it differs.
    void rebuild();
    std::shared_ptr<const FlatView> view() const;
    // Grows with every change of the view.
    uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

    void add_listener(AddressSpaceListener& listener);
    void remove_listener(AddressSpaceListener& listener);

    // Block accesses, as a bus master makes them. What nobody answers reads as
    // all ones and swallows writes, as on a PC.
    void read(PhysAddr address, std::span<std::byte> data) const;
    void write(PhysAddr address, std::span<const std::byte> data);

    // One access of `size` 1, 2, 4 or 8 bytes, little-endian. May cross ranges.
    uint64_t load(PhysAddr address, unsigned size) const;
    void store(PhysAddr address, unsigned size, uint64_t value);

 private:
    MemoryRegion& root_;
    mutable Mutex mutex_;
    std::shared_ptr<const FlatView> view_ GUARDED_BY(mutex_);
    std::atomic<uint64_t> generation_{1};
    std::vector<AddressSpaceListener*> listeners_;
};

// One access to a device register, split or widened to what its rules allow.
uint64_t dispatch_read(IoHandler& handler, uint64_t offset, unsigned size);
void dispatch_write(IoHandler& handler, uint64_t offset, unsigned size, uint64_t value);

}  // namespace qc::memory
