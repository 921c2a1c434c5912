// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/bitmap.h"

#include <gtest/gtest.h>

namespace qc {
namespace {

TEST(Bitmap, set_all_with_odd_size_leaves_the_tail_zero) {
    Bitmap map(70);
    map.set_all();
    EXPECT_EQ(map.count(), 70u);
    EXPECT_EQ(map.words()[1], 0x3fu);
}

TEST(Bitmap, and_not_clears_what_the_other_has) {
    Bitmap bits(100);
    Bitmap other(100);
    for (size_t bit : {3, 64, 99})
        bits.set(bit);
    for (size_t bit : {4, 64})
        other.set(bit);
    bits.and_not(other);
    EXPECT_EQ(bits.count(), 2u);
    EXPECT_FALSE(bits.test(64));
}

TEST(Bitmap, find_next_crosses_words) {
    Bitmap map(200);
    map.set(3);
    map.set(130);
    EXPECT_EQ(map.find_next_set(0), 3u);
    EXPECT_EQ(map.find_next_set(3), 3u);
    EXPECT_EQ(map.find_next_set(4), 130u);
    EXPECT_EQ(map.find_next_set(131), 200u);
    EXPECT_EQ(map.find_next_set(500), 200u);
}

TEST(Bitmap, find_next_clear_stops_at_size) {
    Bitmap map(70);
    map.set_all();
    EXPECT_EQ(map.find_next_clear(0), 70u);
    map.clear(65);
    EXPECT_EQ(map.find_next_clear(2), 65u);
    EXPECT_EQ(map.find_next_clear(66), 70u);
}

TEST(Bitmap, ranges_within_and_across_words_leave_their_neighbours) {
    Bitmap map(300);
    map.set_range(5, 3);
    map.set_range(60, 200);
    map.set_range(299, 1);
    map.set_range(0, 0);
    EXPECT_EQ(map.count(), 204u);
    EXPECT_EQ(map.find_next_clear(60), 260u);
    map.clear_range(63, 130);
    EXPECT_EQ(map.count(), 74u);
    EXPECT_EQ(map.find_next_clear(60), 63u);
    EXPECT_EQ(map.find_next_set(63), 193u);
}

TEST(Bitmap, empty_has_nothing_to_find) {
    Bitmap map;
    map.set_all();
    EXPECT_TRUE(map.none());
    EXPECT_EQ(map.find_next_set(0), 0u);
    EXPECT_EQ(map.find_next_clear(0), 0u);
}

TEST(Bitmap, or_with_keeps_both) {
    Bitmap a(64), b(64);
    a.set(1);
    b.set(63);
    a.or_with(b);
    EXPECT_TRUE(a.test(1) && a.test(63));
    EXPECT_EQ(a.count(), 2u);
    a.clear_all();
    EXPECT_TRUE(a.none());
}

TEST(AtomicBitmap, drain_moves_ors_and_clears) {
    AtomicBitmap source(130);
    Bitmap target(130);
    target.set(5);
    source.set(0);
    source.set(129);
    source.drain_into(target);
    EXPECT_TRUE(target.test(0) && target.test(5) && target.test(129));
    EXPECT_EQ(target.count(), 3u);
    EXPECT_FALSE(source.test(0) || source.test(129));
}

TEST(AtomicBitmap, set_range_covers_exactly_the_range) {
    for (size_t first : {0u, 1u, 63u, 64u, 100u}) {
        for (size_t count : {0u, 1u, 64u, 65u, 128u, 156u}) {
            AtomicBitmap source(256);
            source.set_range(first, count);
            Bitmap target(256);
            source.drain_into(target);
            EXPECT_EQ(target.count(), count);
            if (count == 0) continue;
            EXPECT_EQ(target.find_next_set(0), first);
            EXPECT_EQ(target.find_next_clear(first), first + count);
        }
    }
}

TEST(AtomicBitmap, clear_all_forgets) {
    AtomicBitmap map(65);
    map.set(64);
    map.clear_all();
    EXPECT_FALSE(map.test(64));
}

TEST(Bitmap, run_length_ends_at_clear_bit_limit_and_size) {
    Bitmap map(200);
    for (size_t bit = 10; bit < 150; ++bit)
        map.set(bit);
    EXPECT_EQ(map.run_length(10, 1000), 140u);
    EXPECT_EQ(map.run_length(10, 140), 140u);
    EXPECT_EQ(map.run_length(10, 64), 64u);
    EXPECT_EQ(map.run_length(10, 54), 54u);
    EXPECT_EQ(map.run_length(149, 5), 1u);
    EXPECT_EQ(map.run_length(150, 5), 0u);
    EXPECT_EQ(map.run_length(10, 0), 0u);
    for (size_t bit = 150; bit < 200; ++bit)
        map.set(bit);
    EXPECT_EQ(map.run_length(190, 100), 10u);
    EXPECT_EQ(map.run_length(200, 100), 0u);
}

TEST(AtomicBitmapDeathTest, range_past_the_end_is_a_programmers_error) {
    AtomicBitmap map(64);
    EXPECT_DEATH(map.set_range(60, 5), "assertion failed");
}

}  // namespace
}  // namespace qc
