// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/multifd_colo.h"

#include <cstring>

namespace qc::migration {

std::span<std::byte> MultifdColo::target(uint32_t block, PageSpan range) {
    return in_colo_ ? cache_.pages(block, range.first, range.count) : ram_.target(block, range);
}

void MultifdColo::stored(uint32_t block, PageSpan range) {
    if (in_colo_) return;
    if (keeps_copy()) {
        std::span<const std::byte> data = ram_.target(block, range);
        std::memcpy(cache_.pages(block, range.first, range.count).data(), data.data(), data.size());
    }
    ram_.stored(block, range);
}

void MultifdColo::store_zeros(uint32_t block, PageSpan range) {
    if (in_colo_ || keeps_copy()) cache_.clear_pages(block, range.first, range.count);
    if (!in_colo_) ram_.store_zeros(block, range);
}

}  // namespace qc::migration
