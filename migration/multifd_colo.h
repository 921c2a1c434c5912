// SPDX-License-Identifier: GPL-2.0-or-later
//
// Multifd pages on a COLO secondary. Before COLO state they go to the guest's RAM,
// and to the cache if there is one, so that the two are equal; in COLO state to the
// cache or the staging area alone, while the guest runs on. Which pages came is recorded by
// MultifdReceiver, in one bitmap a block that all threads set with atomic operations: a packet sets
// whole words of it, which costs nothing, and a bitmap for each of up to 255 channels would cost
// memory.
//
// Threading: as MultifdStore; enter_colo() while every channel is held at a
// barrier. Outlives the receiver's threads, as does the cache.
#pragma once

#include "memory/ram_list.h"
#include "migration/colo/ram_cache.h"
#include "migration/multifd_ram_store.h"
#include "migration/multifd_store.h"

namespace qc::migration {

class MultifdColo final : public MultifdStore {
 public:
    MultifdColo(const memory::RamList& ram, colo::RamCache& cache) : ram_(ram), cache_(cache) {}

    // From now on the guest's memory is left alone.
    void enter_colo() { in_colo_ = true; }

    std::span<std::byte> target(uint32_t block, PageSpan range) override;
    void stored(uint32_t block, PageSpan range) override;
    void store_zeros(uint32_t block, PageSpan range) override;

 private:
    MultifdRamStore ram_;
    colo::RamCache& cache_;
    // Changed while the threads are held, by the barrier's mutex ordered before what
    // they do next.
    bool in_colo_ = false;
    bool keeps_copy() const { return cache_.kind() == colo::RamCache::Kind::kCache; }
};

}  // namespace qc::migration
