// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/auto_converge.h"

#include <gtest/gtest.h>

#include <vector>

namespace qc::migration {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

TEST(AutoConverge, guest_that_writes_little_is_left_alone) {
    AutoConverge converge;
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(converge.period(40 * kMiB, 100 * kMiB, {}), 0u);
}

TEST(AutoConverge, two_bad_periods_in_a_row_begin_and_then_raise_it) {
    AutoConverge converge;
    EXPECT_EQ(converge.period(90 * kMiB, 100 * kMiB, {}), 0u);
    EXPECT_EQ(converge.period(90 * kMiB, 100 * kMiB, {}), 20u);
    EXPECT_EQ(converge.period(90 * kMiB, 100 * kMiB, {}), 20u);
    EXPECT_EQ(converge.period(90 * kMiB, 100 * kMiB, {}), 30u);
}

TEST(AutoConverge, good_period_in_between_starts_the_count_anew) {
    AutoConverge converge;
    converge.period(90 * kMiB, 100 * kMiB, {});
    converge.period(10 * kMiB, 100 * kMiB, {});
    EXPECT_EQ(converge.period(90 * kMiB, 100 * kMiB, {}), 0u);
}

TEST(AutoConverge, it_ends_at_the_maximum) {
    AutoConverge converge;
    Parameters parameters{
        .cpu_throttle_initial = 5, .cpu_throttle_increment = 25, .max_cpu_throttle = 95};
    std::vector<unsigned> steps;
    for (int i = 0; i < 12; ++i) {
        unsigned percent = converge.period(90 * kMiB, kMiB, parameters);
        if (steps.empty() || steps.back() != percent) steps.push_back(percent);
    }
    EXPECT_EQ(steps, (std::vector<unsigned>{0, 5, 30, 55, 80, 95}));
}

TEST(AutoConverge, threshold_is_a_share_of_what_was_sent) {
    AutoConverge converge;
    Parameters parameters{.throttle_trigger_threshold = 10};
    converge.period(11 * kMiB, 100 * kMiB, parameters);
    EXPECT_EQ(converge.period(11 * kMiB, 100 * kMiB, parameters), 20u);
}

TEST(AutoConverge, tailslow_takes_no_more_than_needed) {
    AutoConverge converge;
    Parameters parameters{.cpu_throttle_tailslow = true};
    for (int i = 0; i < 2; ++i)
        converge.period(51 * kMiB, 100 * kMiB, parameters);
    ASSERT_EQ(converge.percent(), 20u);
    // It writes 52 where 50 are bearable: 80 % of its time should become 76.9 %.
    for (int i = 0; i < 2; ++i)
        converge.period(52 * kMiB, 100 * kMiB, parameters);
    EXPECT_EQ(converge.percent(), 23u);
}

TEST(AutoConverge, nothing_sent_is_bad_if_something_was_written) {
    AutoConverge converge;
    EXPECT_EQ(converge.period(0, 0, {}), 0u);
    converge.period(1, 0, {});
    EXPECT_EQ(converge.period(1, 0, {}), 20u);
}

}  // namespace
}  // namespace qc::migration
