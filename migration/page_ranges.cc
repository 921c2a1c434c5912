// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/page_ranges.h"

#include <algorithm>
#include <deque>
#include <thread>

#include "util/thread.h"

namespace qc::migration {

namespace {

// With fewer pages, waking another thread costs more than it saves.
constexpr uint64_t kPagesPerThread = 512;
// Memory has no bandwidth for more.
constexpr uint64_t kMostThreads = 4;

// The pages number [begin, end) of all that the ranges hold together.
void work_on_share(const std::vector<PageRange>& ranges, uint64_t begin, uint64_t end,
                   const std::function<void(const PageRange&)>& work) {
    uint64_t passed = 0;
    for (const PageRange& range : ranges) {
        const uint64_t from = std::max(begin, passed);
        const uint64_t to = std::min(end, passed + range.count);
        if (from < to) work({range.block, range.first + from - passed, to - from});
        passed += range.count;
        if (passed >= end) break;
    }
}

}  // namespace

std::vector<PageRange> page_ranges(const std::vector<Bitmap>& pages) {
    std::vector<PageRange> ranges;
    for (uint32_t block = 0; block < pages.size(); ++block) {
        uint64_t first = pages[block].find_next_set(0);
        while (first < pages[block].size()) {
            const uint64_t end = pages[block].find_next_clear(first);
            ranges.push_back({block, first, end - first});
            first = pages[block].find_next_set(end);
        }
    }
    return ranges;
}

uint64_t share_pages(const std::vector<PageRange>& ranges, const std::string& thread_name,
                     const std::function<void(const PageRange&)>& work,
                     std::optional<unsigned> wanted) {
    uint64_t total = 0;
    for (const PageRange& range : ranges)
        total += range.count;
    const uint64_t cores = std::max(std::thread::hardware_concurrency(), 1u);
    const uint64_t most = wanted ? std::max(*wanted, 1u) : std::min(cores, kMostThreads);
    const uint64_t threads = std::clamp<uint64_t>(total / kPagesPerThread, 1, most);
    auto bound = [&](uint64_t share) { return total * share / threads; };
    std::deque<Thread> helpers;
    for (uint64_t share = 1; share < threads; ++share) {
        helpers.emplace_back(thread_name, [&, share] {
            work_on_share(ranges, bound(share), bound(share + 1), work);
        });
    }
    work_on_share(ranges, 0, bound(1), work);
    for (Thread& helper : helpers)
        helper.join();
    return total;
}

}  // namespace qc::migration
