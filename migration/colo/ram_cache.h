// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where the secondary receives a checkpoint while its guest is not to be touched. One
// of two things with the same layout as the guest's RAM:
//
//   a cache    a second copy of every RAM block, as of the last checkpoint
//   a staging  only what came of this checkpoint; the rest of it means nothing. It is
//   area       kept for the next one, up to a bound
//
// Starts as zeros, unallocated.
//
// Threading: caller locks. Owned by the incoming migration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "memory/ram_list.h"
#include "util/bitmap.h"
#include "util/host_memory.h"
#include "util/result.h"

namespace qc::migration::colo {

class RamCache {
 public:
    enum class Kind : uint8_t { kCache, kStaging };
    static Result<std::unique_ptr<RamCache>> create(const memory::RamList& ram,
                                                    Kind kind = Kind::kCache);
    ~RamCache() = default;
    RamCache(const RamCache&) = delete;
    RamCache& operator=(const RamCache&) = delete;

    // `count` pages from page `first` of the block; the caller checked the range.
    std::span<std::byte> pages(uint32_t block, uint64_t first, uint64_t count) const;

    // Makes pages zero, without allocating those that already are.
    void clear_pages(uint32_t block, uint64_t first, uint64_t count);

    Kind kind() const { return kind_; }
    // Of a staging area, after its checkpoint is over: `received` is what came, one
    // bitmap a block. Gives its memory back to the host if it has become too much.
    void trim(const std::vector<Bitmap>& received);
    // A staging area keeps no more pages than these from one checkpoint to the next.
    static constexpr uint64_t kKeptPages = 16384;

 private:
    explicit RamCache(Kind kind) : kind_(kind) {}

    const Kind kind_;
    std::vector<HostMemory> copies_;
    std::vector<Bitmap> touched_;  // kStaging: pages that take memory
};

}  // namespace qc::migration::colo
