// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/ram_cache.h"

#include <cstring>

#include "migration/zero_page.h"

namespace qc::migration::colo {

Result<std::unique_ptr<RamCache>> RamCache::create(const memory::RamList& ram, Kind kind) {
    std::unique_ptr<RamCache> cache(new RamCache(kind));
    // What comes is scattered, and only that is to take memory.
    const HostPages pages = kind == Kind::kCache ? HostPages::kHuge : HostPages::kSmall;
    for (const auto& block : ram.blocks()) {
        cache->copies_.push_back(
            TRY(HostMemory::map(block->size(), pages)
                    .context("cannot set up COLO's copy of '{}'", block->id())));
        cache->touched_.emplace_back(block->page_count());
    }
    return cache;
}

std::span<std::byte> RamCache::pages(uint32_t block, uint64_t first, uint64_t count) const {
    return copies_[block].bytes().subspan(first * memory::kPageSize, count * memory::kPageSize);
}

void RamCache::clear_pages(uint32_t block, uint64_t first, uint64_t count) {
    for (uint64_t page = first; page < first + count; ++page) {
        std::span<std::byte> data = pages(block, page, 1);
        if (!is_zero_page(data)) std::memset(data.data(), 0, data.size());
    }
}

void RamCache::trim(const std::vector<Bitmap>& received) {
    uint64_t pages = 0;
    for (size_t i = 0; i < touched_.size(); ++i) {
        touched_[i].or_with(received[i]);
        pages += touched_[i].count();
    }
    if (pages <= kKeptPages) return;
    for (size_t i = 0; i < touched_.size(); ++i) {
        copies_[i].discard_from(0);
        touched_[i].clear_all();
    }
}

}  // namespace qc::migration::colo
