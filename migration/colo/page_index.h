// SPDX-License-Identifier: GPL-2.0-or-later
//
// Numbers the pages of a set over all RAM blocks from 0, in order of block and
// page, as WRITTEN lists them.
//
// Threading: plain value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "migration/page_ranges.h"

namespace qc::migration::colo {

class PageIndex {
 public:
    PageIndex() = default;
    explicit PageIndex(const std::vector<Bitmap>& pages) : ranges_(page_ranges(pages)) {
        for (const PageRange& range : ranges_) {
            starts_.push_back(count_);
            count_ += range.count;
        }
    }

    uint64_t count() const { return count_; }
    const std::vector<PageRange>& ranges() const { return ranges_; }
    // The page belongs to the set.
    uint64_t number(uint32_t block, uint64_t page) const {
        auto after = std::ranges::upper_bound(
            ranges_, std::pair(block, page), {},
            [](const PageRange& range) { return std::pair(range.block, range.first); });
        const auto at = static_cast<size_t>(after - ranges_.begin()) - 1;
        return starts_[at] + page - ranges_[at].first;
    }

 private:
    std::vector<PageRange> ranges_;
    std::vector<uint64_t> starts_;
    uint64_t count_ = 0;
};

}  // namespace qc::migration::colo
