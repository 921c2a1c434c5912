// SPDX-License-Identifier: GPL-2.0-or-later
//
// To see what a seed does:
//   COLO_SEED=1234 migration_test --gtest_filter='*one_seed*'
// More seeds, and others: COLO_SEEDS and COLO_FIRST_SEED, as `make nightly` sets them.
#include "migration/colo/simulator.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace qc::migration::colo {
namespace {

uint64_t number_from(const char* variable, uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

TEST(SimulatorTest, invariants_hold_for_thousands_of_seeds) {
    const uint64_t seeds = number_from("COLO_SEEDS", 4000);
    const uint64_t first = number_from("COLO_FIRST_SEED", 1);
    uint64_t checkpoints = 0;
    uint64_t went_on = 0;
    uint64_t took_over = 0;
    uint64_t died = 0;
    uint64_t alone = 0;
    uint64_t shut_down = 0;
    for (uint64_t seed = first; seed < first + seeds; ++seed) {
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
    EXPECT_GT(checkpoints, seeds * 5);
    EXPECT_GT(went_on, seeds / 20);
    EXPECT_GT(took_over, seeds / 20);
    EXPECT_GT(died, seeds / 80);
    EXPECT_GT(alone, seeds / 80);
    EXPECT_GT(shut_down, seeds / 80);
}

// How many of the first seeds find a mistake.
int seeds_that_find(Mutant mutant) {
    int found = 0;
    for (uint64_t seed = 1; seed <= 100; ++seed)
        found += !simulate(seed, false, mutant).violation.empty();
    return found;
}

TEST(SimulatorTest, primary_that_forgets_what_only_its_peer_wrote_is_found) {
    EXPECT_GT(seeds_that_find(Mutant::kForgetsPeersPages), 30);
}

TEST(SimulatorTest, secondary_that_stores_before_the_commit_is_found) {
    EXPECT_GT(seeds_that_find(Mutant::kStoresBeforeCommit), 80);
}

TEST(SimulatorTest, same_seed_gives_the_same_story) {
    EXPECT_EQ(simulate(77, true).log, simulate(77, true).log);
}

TEST(SimulatorTest, one_seed_is_told_in_full) {
    const bool asked = std::getenv("COLO_SEED") != nullptr;
    SimulationResult result = simulate(number_from("COLO_SEED", 1), true);
    if (asked) fprintf(stderr, "%s", result.log.c_str());
    EXPECT_EQ(result.violation, "");
    EXPECT_NE(result.log, "");
}

}  // namespace
}  // namespace qc::migration::colo
