// SPDX-License-Identifier: GPL-2.0-or-later
//
// The secondary's second copy of every RAM block: the guest's memory as of the
// last checkpoint, into which the next one is received while the guest runs on.
// Starts as zeros, unallocated.
//
// Threading: caller locks. Owned by the incoming migration.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "memory/ram_list.h"
#include "util/host_memory.h"
#include "util/result.h"

namespace qc::migration::colo {

class RamCache {
 public:
    static Result<std::unique_ptr<RamCache>> create(const memory::RamList& ram);
    ~RamCache() = default;
    RamCache(const RamCache&) = delete;
    RamCache& operator=(const RamCache&) = delete;

    // `count` pages from page `first` of the block; the caller checked the range.
    std::span<std::byte> pages(uint32_t block, uint64_t first, uint64_t count) const;

    // Makes pages zero, without allocating those that already are.
    void clear_pages(uint32_t block, uint64_t first, uint64_t count);

 private:
    RamCache() = default;

    std::vector<HostMemory> copies_;
};

}  // namespace qc::migration::colo
