// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sets of pages over all RAM blocks, as ranges of neighbours, and their division
// among threads.
//
// Threading: plain values and functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "util/bitmap.h"

namespace qc::migration {

struct PageRange {
    uint32_t block = 0;  // an index in RamList order
    uint64_t first = 0;
    uint64_t count = 0;
    bool operator==(const PageRange&) const = default;
};

// `pages` has one bitmap a block. In order of block and page.
std::vector<PageRange> page_ranges(const std::vector<Bitmap>& pages);

// Calls `work` so that every page of `ranges` is in one call; from several threads
// at once if the pages are worth it (ranges are cut where that is needed): from as
// many as memory has bandwidth for, or `threads` for what waits for something else.
// Returns how many pages there were.
uint64_t share_pages(const std::vector<PageRange>& ranges, const std::string& thread_name,
                     const std::function<void(const PageRange&)>& work,
                     std::optional<unsigned> threads = std::nullopt);

}  // namespace qc::migration
