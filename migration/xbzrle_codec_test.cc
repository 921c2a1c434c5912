// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/xbzrle_codec.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace qc::migration {
namespace {

constexpr size_t kPage = 4096;
using Page = std::vector<std::byte>;

Page bytes(std::initializer_list<int> values) {
    Page page;
    for (int value : values)
        page.push_back(static_cast<std::byte>(value));
    return page;
}

TEST(Xbzrle, equal_pages_take_no_bytes) {
    Page page(kPage, std::byte{7});
    Page out(kPage);
    EXPECT_EQ(xbzrle_encode(page, page, out), 0u);
    EXPECT_TRUE(xbzrle_decode({}, page));
}

TEST(Xbzrle, one_changed_byte_takes_its_place_and_value) {
    Page before(kPage);
    Page now = before;
    now[300] = std::byte{0xaa};
    Page out(kPage);
    ASSERT_EQ(xbzrle_encode(before, now, out), 4u);
    out.resize(4);
    EXPECT_EQ(out, bytes({0x80 | (300 & 0x7f), 300 >> 7, 1, 0xaa}));
}

TEST(Xbzrle, change_of_the_first_byte_begins_with_an_empty_run) {
    Page before(kPage);
    Page now = before;
    now[0] = std::byte{1};
    Page out(kPage);
    ASSERT_EQ(xbzrle_encode(before, now, out), 3u);
    out.resize(3);
    EXPECT_EQ(out, bytes({0, 1, 1}));
}

TEST(Xbzrle, page_that_changed_everywhere_does_not_fit) {
    Page before(kPage);
    Page now(kPage, std::byte{1});
    Page out(kPage);
    EXPECT_EQ(xbzrle_encode(before, now, out), std::nullopt);
    for (size_t i = 0; i < kPage; i += 2)
        now[i] = std::byte{0};
    EXPECT_EQ(xbzrle_encode(before, now, out), std::nullopt) << "every other byte";
}

TEST(Xbzrle, random_changes_are_decoded_to_the_same_page) {
    std::mt19937 random(4);
    for (int round = 0; round < 2000; ++round) {
        Page before(kPage);
        for (auto& byte : before)
            byte = static_cast<std::byte>(random() % 4);
        Page now = before;
        for (unsigned runs = random() % 40; runs > 0; --runs) {
            size_t first = random() % kPage;
            size_t length = random() % 64;
            for (size_t i = first; i < std::min(first + length, kPage); ++i)
                now[i] = static_cast<std::byte>(random() % 4);
        }
        Page out(kPage);
        std::optional<size_t> size = xbzrle_encode(before, now, out);
        if (!size) continue;
        out.resize(*size);
        ASSERT_TRUE(xbzrle_decode(out, before));
        ASSERT_EQ(before, now) << "round " << round;
    }
}

TEST(Xbzrle, too_small_an_output_is_never_written_beyond) {
    std::mt19937 random(5);
    Page before(kPage);
    Page now = before;
    for (int i = 0; i < 50; ++i)
        now[random() % kPage] = std::byte{9};
    Page out(kPage);
    const size_t need = *xbzrle_encode(before, now, out);
    for (size_t limit = 0; limit < need; ++limit) {
        Page guarded(limit + 1, std::byte{0x5a});
        ASSERT_EQ(xbzrle_encode(before, now, std::span(guarded).first(limit)), std::nullopt);
        ASSERT_EQ(guarded[limit], std::byte{0x5a});
    }
    EXPECT_EQ(xbzrle_encode(before, now, std::span(out).first(need)), need);
}

TEST(Xbzrle, broken_differences_are_refused) {
    for (const Page& broken : {
             bytes({5}),                    // no second length
             bytes({0x80}),                 // half a length
             bytes({0x80, 0x80, 1, 1}),     // a length of three bytes
             bytes({1, 0}),                 // nothing changed
             bytes({0, 1, 9, 0, 1, 9}),     // an empty run in the middle
             bytes({0, 2, 9}),              // cut off
             bytes({0xff, 0x1f, 2, 9, 9}),  // beyond the end
             bytes({0xff, 0x3f, 1, 9}),     // far beyond
         }) {
        Page page(kPage);
        EXPECT_FALSE(xbzrle_decode(broken, page));
    }
}

TEST(Xbzrle, random_bytes_never_write_beyond_the_page) {
    std::mt19937 random(6);
    for (int round = 0; round < 20'000; ++round) {
        Page noise(random() % 100);
        for (auto& byte : noise)
            byte = static_cast<std::byte>(random());
        Page page(kPage + 64, std::byte{0x5a});
        (void)xbzrle_decode(noise, std::span(page).first(kPage));
        for (size_t i = kPage; i < page.size(); ++i)
            ASSERT_EQ(page[i], std::byte{0x5a});
    }
}

}  // namespace
}  // namespace qc::migration
