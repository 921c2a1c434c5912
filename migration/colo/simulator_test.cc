// SPDX-License-Identifier: GPL-2.0-or-later
//
// To see what a seed does:
//   COLO_SEED=1234 migration_test --gtest_filter='*one_seed*'
#include "migration/colo/simulator.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace qc::migration::colo {
namespace {

TEST(SimulatorTest, invariants_hold_for_thousands_of_seeds) {
    constexpr uint64_t kSeeds = 4000;
    uint64_t checkpoints = 0;
    int went_on = 0;
    int took_over = 0;
    int died = 0;
    int alone = 0;
    int shut_down = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SimulationResult result = simulate(seed);
        ASSERT_EQ(result.violation, "")
            << "run again: COLO_SEED=" << seed << " migration_test --gtest_filter='*one_seed*'";
        checkpoints += result.checkpoints;
        went_on += result.primary_went_on;
        took_over += result.secondary_took_over;
        died += result.secondary_died;
        alone += result.primary_alone;
        shut_down += result.shut_down;
    }
    // The seeds reach every end that there is.
    EXPECT_GT(checkpoints, kSeeds * 5);
    EXPECT_GT(went_on, 200);
    EXPECT_GT(took_over, 200);
    EXPECT_GT(died, 50);
    EXPECT_GT(alone, 50);
    EXPECT_GT(shut_down, 50);
}

TEST(SimulatorTest, same_seed_gives_the_same_story) {
    EXPECT_EQ(simulate(77, true).log, simulate(77, true).log);
}

TEST(SimulatorTest, one_seed_is_told_in_full) {
    const char* text = std::getenv("COLO_SEED");
    uint64_t seed = text == nullptr ? 1 : std::strtoull(text, nullptr, 0);
    SimulationResult result = simulate(seed, true);
    if (text != nullptr) fprintf(stderr, "%s", result.log.c_str());
    EXPECT_EQ(result.violation, "");
    EXPECT_NE(result.log, "");
}

}  // namespace
}  // namespace qc::migration::colo
