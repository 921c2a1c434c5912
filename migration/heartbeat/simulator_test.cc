// SPDX-License-Identifier: GPL-2.0-or-later
//
// To see what a seed does:
//   HEARTBEAT_SEED=1234 heartbeat_test --gtest_filter='*one_seed*'
// More seeds, and others: HEARTBEAT_SEEDS and HEARTBEAT_FIRST_SEED, as `make nightly`
// sets them.
#include "migration/heartbeat/simulator.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace qc::migration::heartbeat {
namespace {

uint64_t number_from(const char* variable, uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

TEST(HeartbeatSimulatorTest, never_two_owners_in_thousands_of_seeds) {
    const uint64_t seeds = number_from("HEARTBEAT_SEEDS", 1500);
    const uint64_t first = number_from("HEARTBEAT_FIRST_SEED", 1);
    uint64_t armed = 0;
    uint64_t came_apart = 0;
    uint64_t primary = 0;
    uint64_t secondary = 0;
    uint64_t refused = 0;
    uint64_t unreachable = 0;
    uint64_t path = 0;
    for (uint64_t seed = first; seed < first + seeds; ++seed) {
        SimulationResult result = simulate(seed);
        ASSERT_EQ(result.violation, "") << "run again: HEARTBEAT_SEED=" << seed
                                        << " heartbeat_test --gtest_filter='*one_seed*'";
        armed += result.armed;
        came_apart += result.came_apart;
        primary += result.primary_went_on;
        secondary += result.secondary_went_on;
        refused += result.refused;
        unreachable += result.unreachable;
        path += result.path_silent;
    }
    // The seeds reach every end that there is.
    EXPECT_GT(armed, seeds * 8 / 10);
    EXPECT_GT(came_apart, seeds / 3);
    EXPECT_GT(primary, seeds / 10);
    EXPECT_GT(secondary, seeds / 30);
    EXPECT_GT(refused, seeds / 100);
    EXPECT_GT(unreachable, seeds / 100);
    EXPECT_GT(path, seeds / 50);
}

TEST(HeartbeatSimulatorTest, same_seed_gives_the_same_story) {
    EXPECT_EQ(simulate(77, true).log, simulate(77, true).log);
}

TEST(HeartbeatSimulatorTest, one_seed_is_told_in_full) {
    const bool asked = std::getenv("HEARTBEAT_SEED") != nullptr;
    SimulationResult result = simulate(number_from("HEARTBEAT_SEED", 1), true);
    if (asked) fprintf(stderr, "%s", result.log.c_str());
    EXPECT_EQ(result.violation, "");
    EXPECT_NE(result.log, "");
}

}  // namespace
}  // namespace qc::migration::heartbeat
