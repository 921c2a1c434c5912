// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/system_requests.h"

#include <gtest/gtest.h>

namespace qc::runstate {
namespace {

class Holding final : public RequestPolicy {
 public:
    Decision decide(RequestKind, ShutdownCause) override {
        ++asked;
        return defer ? Decision::kDefer : Decision::kProceed;
    }
    bool defer = true;
    int asked = 0;
};

class SystemRequestsTest : public testing::Test {
 protected:
    int wakes_ = 0;
    SystemRequests requests_{{}, [this] { ++wakes_; }};
    Holding policy_;
};

TEST_F(SystemRequestsTest, nothing_asked_gives_nothing) {
    EXPECT_FALSE(requests_.take().any());
    EXPECT_EQ(wakes_, 0);
}

TEST_F(SystemRequestsTest, first_cause_is_kept) {
    requests_.request_shutdown(ShutdownCause::kHostQmpQuit);
    requests_.request_shutdown(ShutdownCause::kHostSignal);
    EXPECT_EQ(requests_.take().shutdown, ShutdownCause::kHostQmpQuit);
    EXPECT_FALSE(requests_.take().any());
}

TEST_F(SystemRequestsTest, main_loop_is_woken_once_until_it_takes) {
    requests_.request_guest_reset();
    requests_.request_guest_shutdown();
    EXPECT_EQ(wakes_, 1);
    requests_.take();
    requests_.request_guest_reset();
    EXPECT_EQ(wakes_, 2);
}

TEST_F(SystemRequestsTest, sleep_and_waking_are_told_once) {
    requests_.request_guest_sleep(hw::SleepKind::kToMemory);
    requests_.request_wake_up();
    auto actions = requests_.take();
    EXPECT_TRUE(actions.sleep);
    EXPECT_TRUE(actions.wake_up);
    EXPECT_FALSE(actions.shutdown);
    EXPECT_FALSE(requests_.take().any());
}

TEST_F(SystemRequestsTest, sleep_on_disk_is_a_shutdown_that_may_be_held_back) {
    requests_.set_policy(&policy_);
    requests_.request_guest_sleep(hw::SleepKind::kToDisk);
    EXPECT_FALSE(requests_.take().any());
    policy_.defer = false;
    requests_.release_deferred();
    auto actions = requests_.take();
    EXPECT_EQ(actions.shutdown, ShutdownCause::kGuestShutdown);
    EXPECT_TRUE(actions.slept_to_disk);
}

TEST_F(SystemRequestsTest, debug_exit_and_internal_error_arrive) {
    requests_.request_debug_exit(7);
    requests_.request_debug_exit(9);
    requests_.report_internal_error();
    auto actions = requests_.take();
    EXPECT_EQ(actions.debug_exit, 7);
    EXPECT_TRUE(actions.internal_error);
}

TEST_F(SystemRequestsTest, no_reboot_turns_a_reset_into_a_shutdown) {
    SystemRequests requests({.reset_is_shutdown = true}, [] {});
    requests.request_guest_reset();
    requests.request_reset(ShutdownCause::kSubsystemReset);
    auto actions = requests.take();
    EXPECT_EQ(actions.shutdown, ShutdownCause::kGuestReset);
    EXPECT_EQ(actions.reset, ShutdownCause::kSubsystemReset);
}

TEST_F(SystemRequestsTest, deferred_request_waits_for_release) {
    requests_.set_policy(&policy_);
    requests_.request_guest_shutdown();
    EXPECT_FALSE(requests_.take().any());
    EXPECT_TRUE(requests_.has_deferred());
    EXPECT_FALSE(requests_.take().any());

    requests_.release_deferred();

    EXPECT_EQ(wakes_, 2);
    EXPECT_EQ(requests_.take().shutdown, ShutdownCause::kGuestShutdown);
    EXPECT_FALSE(requests_.has_deferred());
}

TEST_F(SystemRequestsTest, request_made_after_the_release_is_asked_again) {
    requests_.set_policy(&policy_);
    requests_.request_guest_reset();
    requests_.take();
    requests_.release_deferred();
    EXPECT_TRUE(requests_.take().reset);
    requests_.request_guest_reset();
    EXPECT_FALSE(requests_.take().reset);
}

TEST_F(SystemRequestsTest, quit_does_not_wait_behind_a_deferred_guest) {
    requests_.set_policy(&policy_);
    requests_.request_guest_shutdown();
    requests_.take();
    requests_.request_shutdown(ShutdownCause::kHostSignal);
    EXPECT_EQ(requests_.take().shutdown, ShutdownCause::kHostSignal);
}

TEST_F(SystemRequestsTest, removed_policy_sets_deferred_requests_free) {
    requests_.set_policy(&policy_);
    requests_.request_guest_reset();
    requests_.take();
    requests_.set_policy(nullptr);
    EXPECT_EQ(wakes_, 2);
    EXPECT_EQ(requests_.take().reset, ShutdownCause::kGuestReset);
}

TEST_F(SystemRequestsTest, dropped_request_is_never_carried_out) {
    requests_.set_policy(&policy_);
    requests_.request_guest_shutdown();
    requests_.take();
    requests_.drop_deferred();
    EXPECT_FALSE(requests_.has_deferred());
    requests_.release_deferred();
    EXPECT_FALSE(requests_.take().any());
}

TEST_F(SystemRequestsTest, proceeding_policy_holds_nothing) {
    policy_.defer = false;
    requests_.set_policy(&policy_);
    requests_.request_guest_reset();
    EXPECT_TRUE(requests_.take().reset);
    EXPECT_EQ(policy_.asked, 1);
}

TEST(ShutdownCause, names_are_those_of_qmp) {
    EXPECT_EQ(to_string(ShutdownCause::kHostQmpSystemReset), "host-qmp-system-reset");
    EXPECT_EQ(to_string(ShutdownCause::kGuestShutdown), "guest-shutdown");
    EXPECT_TRUE(caused_by_guest(ShutdownCause::kGuestReset));
    EXPECT_FALSE(caused_by_guest(ShutdownCause::kHostSignal));
}

}  // namespace
}  // namespace qc::runstate
