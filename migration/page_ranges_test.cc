// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/page_ranges.h"

#include <gtest/gtest.h>

#include <atomic>

#include "util/mutex.h"

namespace qc::migration {
namespace {

TEST(PageRanges, runs_of_set_bits_become_ranges) {
    std::vector<Bitmap> pages;
    pages.emplace_back(100);
    pages.emplace_back(10);
    for (uint64_t page : {0, 1, 2, 63, 64, 99})
        pages[0].set(page);
    pages[1].set(9);
    EXPECT_EQ(page_ranges(pages),
              (std::vector<PageRange>{{0, 0, 3}, {0, 63, 2}, {0, 99, 1}, {1, 9, 1}}));
}

TEST(PageRanges, no_bits_are_no_ranges) {
    EXPECT_TRUE(page_ranges({Bitmap(100), Bitmap(7)}).empty());
}

class SharePages : public testing::TestWithParam<uint64_t> {};

TEST_P(SharePages, every_page_is_worked_on_once) {
    const uint64_t each = GetParam();
    const std::vector<PageRange> ranges{{0, 5, each}, {0, each + 10, 1}, {1, 0, each}};
    std::vector<std::atomic<int>> seen[2]{std::vector<std::atomic<int>>(2 * each + 20),
                                          std::vector<std::atomic<int>>(2 * each + 20)};
    const uint64_t total = share_pages(ranges, "test", [&](const PageRange& range) {
        for (uint64_t page = range.first; page < range.first + range.count; ++page)
            ++seen[range.block][page];
    });
    EXPECT_EQ(total, 2 * each + 1);
    for (const PageRange& range : ranges) {
        for (uint64_t page = range.first; page < range.first + range.count; ++page)
            EXPECT_EQ(seen[range.block][page], 1) << range.block << " " << page;
    }
    EXPECT_EQ(seen[0][4], 0);
    EXPECT_EQ(seen[1][each], 0);
}

INSTANTIATE_TEST_SUITE_P(FewAndMany, SharePages, testing::Values(1, 700, 5000));

}  // namespace
}  // namespace qc::migration
