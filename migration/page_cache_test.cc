// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/page_cache.h"

#include <gtest/gtest.h>

namespace qc::migration {
namespace {

constexpr uint64_t kPlaces = 16;

class PageCacheTest : public testing::Test {
 protected:
    std::unique_ptr<PageCache> cache_ = *PageCache::create(kPlaces * 4096);
};

TEST_F(PageCacheTest, page_that_was_put_in_is_found_with_its_bytes) {
    EXPECT_EQ(cache_->find(3), nullptr);
    std::byte* place = cache_->insert(3);
    ASSERT_NE(place, nullptr);
    place[4095] = std::byte{1};
    EXPECT_EQ(cache_->find(3), place);
    EXPECT_EQ(cache_->find(3)[4095], std::byte{1});
    EXPECT_EQ(cache_->find(3 + kPlaces), nullptr);
}

TEST_F(PageCacheTest, page_used_lately_keeps_its_place_for_two_passes) {
    cache_->insert(3);
    EXPECT_EQ(cache_->insert(3 + kPlaces), nullptr);
    cache_->age();
    EXPECT_EQ(cache_->insert(3 + kPlaces), nullptr);
    cache_->age();
    EXPECT_NE(cache_->insert(3 + kPlaces), nullptr);
    EXPECT_EQ(cache_->find(3), nullptr);
}

TEST_F(PageCacheTest, finding_counts_as_using) {
    cache_->insert(3);
    for (int i = 0; i < 10; ++i) {
        cache_->age();
        ASSERT_NE(cache_->find(3), nullptr);
        EXPECT_EQ(cache_->insert(3 + kPlaces), nullptr);
    }
}

TEST_F(PageCacheTest, erased_page_is_gone_and_its_place_is_free) {
    cache_->insert(3);
    cache_->erase(3 + kPlaces);
    EXPECT_NE(cache_->find(3), nullptr) << "another page's place";
    cache_->erase(3);
    EXPECT_EQ(cache_->find(3), nullptr);
    EXPECT_NE(cache_->insert(3 + kPlaces), nullptr);
}

TEST_F(PageCacheTest, absurd_size_is_an_error) {
    EXPECT_FALSE(PageCache::create(uint64_t{1} << 62));
}

}  // namespace
}  // namespace qc::migration
