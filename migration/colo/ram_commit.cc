// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/ram_commit.h"

#include <cstring>

#include "migration/page_ranges.h"

namespace qc::migration::colo {

namespace {

void copy_page(memory::RamBlock& block, const RamCache& cache, uint32_t index, uint64_t page) {
    std::span<std::byte> target = block.page(page);
    std::span<const std::byte> source = cache.pages(index, page, 1);
    // Decoded code is worth more than a comparison.
    if (block.code_pages().test(page)) {
        if (std::memcmp(target.data(), source.data(), target.size()) == 0) return;
        std::memcpy(target.data(), source.data(), target.size());
        block.note_replaced(page);
        return;
    }
    std::memcpy(target.data(), source.data(), target.size());
}

}  // namespace

uint64_t commit_pages(const memory::RamList& ram, const RamCache& cache,
                      const std::vector<Bitmap>& pages) {
    return share_pages(page_ranges(pages), "colo/commit", [&](const PageRange& range) {
        for (uint64_t page = range.first; page < range.first + range.count; ++page)
            copy_page(*ram.blocks()[range.block], cache, range.block, page);
    });
}

}  // namespace qc::migration::colo
