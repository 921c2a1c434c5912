// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/statistics.h"

#include <gtest/gtest.h>

#include "migration/test_machine.h"

namespace qc::migration::colo {
namespace {

constexpr int64_t kMs = 1'000'000;

class ColoStatisticsTest : public testing::Test {
 protected:
    void SetUp() override { statistics_.begin(ColoMode::kPrimary); }

    // One whole checkpoint with this pause.
    void checkpoint(int64_t pause_ns) {
        statistics_.add_time(Phase::kTransfer, pause_ns / 2);
        statistics_.add_time(Phase::kPause, pause_ns);
        record_.pause_us = pause_ns / 1000;
        ++record_.epoch;
        statistics_.add_checkpoint(record_);
    }
    PhaseSummary phase(Phase phase) {
        return statistics_.summary().phases[static_cast<size_t>(phase)];
    }

    SettingsStore settings_;
    TestListener events_;
    ColoStatistics statistics_{settings_, events_};
    CheckpointRecord record_;
};

TEST_F(ColoStatisticsTest, fresh_one_has_the_role_and_nothing_else) {
    ColoSummary summary = statistics_.summary();
    EXPECT_EQ(summary.role, ColoMode::kPrimary);
    EXPECT_EQ(summary.checkpoints, 0u);
    EXPECT_FALSE(summary.last);
}

TEST_F(ColoStatisticsTest, pauses_are_summed_up_by_mean_percentiles_and_maximum) {
    for (int i = 1; i <= 100; ++i)
        checkpoint(i * kMs);
    PhaseSummary pause = phase(Phase::kPause);
    EXPECT_EQ(pause.count, 100u);
    EXPECT_EQ(pause.mean_us, 50'500u);
    EXPECT_EQ(pause.p50_us, 50'000u);
    EXPECT_EQ(pause.p99_us, 99'000u);
    EXPECT_EQ(pause.max_us, 100'000u);
}

TEST_F(ColoStatisticsTest, percentiles_forget_what_is_long_ago_the_maximum_does_not) {
    checkpoint(1000 * kMs);
    for (int i = 0; i < 1024; ++i)
        checkpoint(kMs);
    EXPECT_EQ(phase(Phase::kPause).p99_us, 1000u);
    EXPECT_EQ(phase(Phase::kPause).max_us, 1'000'000u);
}

TEST_F(ColoStatisticsTest, traffic_and_causes_are_counted) {
    record_.cause = Cause::kGuestReset;
    record_.traffic = {.pages = 10,
                       .pages_ahead = 7,
                       .pages_resent = 2,
                       .pages_skipped = 5,
                       .zero_pages = 3,
                       .bytes = 1000,
                       .components_sent = 4,
                       .components_skipped = 20};
    checkpoint(kMs);
    checkpoint(kMs);
    ColoSummary summary = statistics_.summary();
    EXPECT_EQ(summary.by_cause[static_cast<size_t>(Cause::kGuestReset)], 2u);
    EXPECT_EQ(summary.total.pages, 20u);
    EXPECT_EQ(summary.total.pages_ahead, 14u);
    EXPECT_EQ(summary.total.pages_resent, 4u);
    EXPECT_EQ(summary.total.pages_skipped, 10u);
    EXPECT_EQ(summary.total.zero_pages, 6u);
    EXPECT_EQ(summary.total.bytes, 2000u);
    EXPECT_EQ(summary.total.components_sent, 8u);
    EXPECT_EQ(summary.total.components_skipped, 40u);
    EXPECT_EQ(summary.epoch, record_.epoch + 1);
}

TEST_F(ColoStatisticsTest, last_checkpoint_has_its_own_phases) {
    checkpoint(8 * kMs);
    checkpoint(2 * kMs);
    const CheckpointRecord last = *statistics_.summary().last;
    EXPECT_EQ(last.phases[static_cast<size_t>(Phase::kPause)], 2000u);
    EXPECT_EQ(last.phases[static_cast<size_t>(Phase::kTransfer)], 1000u);
    EXPECT_EQ(last.phases[static_cast<size_t>(Phase::kLatency)], 0u);
}

TEST_F(ColoStatisticsTest, aborted_checkpoint_leaves_no_time_to_the_next) {
    statistics_.add_time(Phase::kPause, 100 * kMs);
    statistics_.add_aborted();
    checkpoint(2 * kMs);
    ColoSummary summary = statistics_.summary();
    EXPECT_EQ(summary.aborted, 1u);
    EXPECT_EQ(summary.last->phases[static_cast<size_t>(Phase::kPause)], 2000u);
}

TEST_F(ColoStatisticsTest, slow_checkpoint_is_reported_only_above_the_limit) {
    checkpoint(500 * kMs);
    EXPECT_EQ(events_.count("slow checkpoint"), 0u) << "it is off";
    settings_.set_parameters({.colo_slow_checkpoint_ms = 10});
    checkpoint(10 * kMs);
    EXPECT_EQ(events_.count("slow checkpoint"), 0u);
    checkpoint(11 * kMs);
    EXPECT_EQ(events_.count("slow checkpoint"), 1u);
}

}  // namespace
}  // namespace qc::migration::colo
