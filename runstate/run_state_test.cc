// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/run_state.h"

#include <gtest/gtest.h>

namespace qc::runstate {
namespace {

TEST(RunState, names_round_trip) {
    for (unsigned i = 0; i < kRunStateCount; ++i) {
        auto state = static_cast<RunState>(i);
        EXPECT_EQ(run_state_from_string(to_string(state)), state);
    }
    EXPECT_EQ(to_string(RunState::kFinishMigrate), "finish-migrate");
    EXPECT_FALSE(run_state_from_string("walking"));
}

TEST(RunState, staying_is_always_legal) {
    for (unsigned i = 0; i < kRunStateCount; ++i)
        EXPECT_TRUE(transition_allowed(static_cast<RunState>(i), static_cast<RunState>(i)));
}

TEST(RunState, checkpoint_goes_there_and_back) {
    EXPECT_TRUE(transition_allowed(RunState::kRunning, RunState::kColo));
    EXPECT_TRUE(transition_allowed(RunState::kColo, RunState::kRunning));
    EXPECT_TRUE(transition_allowed(RunState::kColo, RunState::kShutdown));
    EXPECT_TRUE(transition_allowed(RunState::kInmigrate, RunState::kColo));
}

TEST(RunState, sleeping_guest_can_be_wherever_a_running_one_can) {
    for (unsigned i = 0; i < kRunStateCount; ++i) {
        auto state = static_cast<RunState>(i);
        // A debugger stops a processor that runs; a reset leads from a sleep to the start.
        if (state == RunState::kDebug || state == RunState::kPrelaunch) continue;
        EXPECT_EQ(transition_allowed(RunState::kSuspended, state),
                  transition_allowed(RunState::kRunning, state))
            << to_string(state);
        EXPECT_EQ(transition_allowed(state, RunState::kSuspended),
                  transition_allowed(state, RunState::kRunning))
            << to_string(state);
    }
}

TEST(RunState, dead_ends_need_a_reset) {
    EXPECT_FALSE(transition_allowed(RunState::kShutdown, RunState::kRunning));
    EXPECT_FALSE(transition_allowed(RunState::kInternalError, RunState::kRunning));
    EXPECT_TRUE(transition_allowed(RunState::kInternalError, RunState::kPaused));
    EXPECT_FALSE(transition_allowed(RunState::kRunning, RunState::kPrelaunch));
    EXPECT_FALSE(transition_allowed(RunState::kRunning, RunState::kPostmigrate));
}

}  // namespace
}  // namespace qc::runstate
