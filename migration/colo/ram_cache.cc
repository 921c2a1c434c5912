// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/ram_cache.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "migration/zero_page.h"

namespace qc::migration::colo {

Result<std::unique_ptr<RamCache>> RamCache::create(const memory::RamList& ram) {
    std::unique_ptr<RamCache> cache(new RamCache());
    for (const auto& block : ram.blocks()) {
        void* data = mmap(nullptr, block->size(), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (data == MAP_FAILED) {
            return fail_errno(errno, "cannot set up COLO's copy of '{}', {} bytes", block->id(),
                              block->size());
        }
        (void)madvise(data, block->size(), MADV_DONTDUMP);
        cache->mappings_.push_back({static_cast<std::byte*>(data), block->size()});
    }
    return cache;
}

RamCache::~RamCache() {
    for (const Mapping& mapping : mappings_)
        munmap(mapping.data, mapping.size);
}

std::span<std::byte> RamCache::pages(uint32_t block, uint64_t first, uint64_t count) const {
    return {mappings_[block].data + first * memory::kPageSize, count * memory::kPageSize};
}

void RamCache::clear_pages(uint32_t block, uint64_t first, uint64_t count) {
    for (uint64_t page = first; page < first + count; ++page) {
        std::span<std::byte> data = pages(block, page, 1);
        if (!is_zero_page(data)) std::memset(data.data(), 0, data.size());
    }
}

}  // namespace qc::migration::colo
