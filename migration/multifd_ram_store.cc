// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/multifd_ram_store.h"

#include <cstring>

#include "migration/zero_page.h"

namespace qc::migration {

std::span<std::byte> MultifdRamStore::target(uint32_t block, PageSpan range) {
    return {ram_.blocks()[block]->host() + range.first * memory::kPageSize,
            range.count * memory::kPageSize};
}

void MultifdRamStore::stored(uint32_t block, PageSpan range) {
    for (uint64_t page = range.first; page < range.first + range.count; ++page)
        ram_.blocks()[block]->note_replaced(page);
}

void MultifdRamStore::store_zeros(uint32_t block, PageSpan range) {
    for (uint64_t page = range.first; page < range.first + range.count; ++page) {
        std::span<std::byte> data = ram_.blocks()[block]->page(page);
        // Untouched memory stays unallocated.
        if (is_zero_page(data)) continue;
        std::memset(data.data(), 0, data.size());
        ram_.blocks()[block]->note_replaced(page);
    }
}

}  // namespace qc::migration
