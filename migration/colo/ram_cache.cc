// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/ram_cache.h"

#include <cstring>

#include "migration/zero_page.h"

namespace qc::migration::colo {

Result<std::unique_ptr<RamCache>> RamCache::create(const memory::RamList& ram) {
    std::unique_ptr<RamCache> cache(new RamCache());
    for (const auto& block : ram.blocks()) {
        cache->copies_.push_back(
            TRY(HostMemory::map(block->size())
                    .context("cannot set up COLO's copy of '{}'", block->id())));
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

}  // namespace qc::migration::colo
