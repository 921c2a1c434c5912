// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/bandwidth.h"

#include <gtest/gtest.h>

#include <limits>

namespace qc::migration {
namespace {

constexpr int64_t kWindow = Bandwidth::kWindowNs;
constexpr uint64_t kMiB = 1024 * 1024;

TEST(Bandwidth, without_limit_anything_may_be_sent) {
    Bandwidth bandwidth(0, 0);
    EXPECT_EQ(bandwidth.allowance(1'000'000'000, 0), std::numeric_limits<uint64_t>::max());
}

TEST(Bandwidth, window_allows_a_tenth_of_a_second) {
    Bandwidth bandwidth(0, 500);
    EXPECT_EQ(bandwidth.allowance(500, 1000), 100U);
    EXPECT_EQ(bandwidth.allowance(560, 1000), 40U);
    EXPECT_EQ(bandwidth.allowance(600, 1000), 0U);
    EXPECT_EQ(bandwidth.allowance(700, 1000), 0U) << "more than allowed was sent at once";
}

TEST(Bandwidth, tiny_limit_still_lets_something_through) {
    Bandwidth bandwidth(0, 0);
    EXPECT_EQ(bandwidth.allowance(0, 1), 1U);
}

TEST(Bandwidth, next_window_allows_as_much_again) {
    Bandwidth bandwidth(0, 0);
    EXPECT_FALSE(bandwidth.advance(kWindow - 1, 100));
    EXPECT_EQ(bandwidth.allowance(100, 1000), 0U);
    bandwidth.advance(kWindow, 100);
    EXPECT_EQ(bandwidth.allowance(100, 1000), 100U);
    EXPECT_EQ(bandwidth.window_end_ns(), 2 * kWindow);
}

TEST(Bandwidth, measures_what_a_busy_window_reached) {
    Bandwidth bandwidth(0, 0);
    EXPECT_EQ(bandwidth.measured(), 0U);
    EXPECT_TRUE(bandwidth.advance(kWindow, kMiB));
    EXPECT_EQ(bandwidth.measured(), 10 * kMiB);
    EXPECT_TRUE(bandwidth.advance(3 * kWindow, 2 * kMiB));
    EXPECT_EQ(bandwidth.measured(), 5 * kMiB) << "the window lasted twice as long";
}

TEST(Bandwidth, idle_window_does_not_change_the_measurement) {
    Bandwidth bandwidth(0, 0);
    bandwidth.advance(kWindow, kMiB);
    EXPECT_FALSE(bandwidth.advance(2 * kWindow, kMiB + 10));
    EXPECT_EQ(bandwidth.measured(), 10 * kMiB);
}

}  // namespace
}  // namespace qc::migration
