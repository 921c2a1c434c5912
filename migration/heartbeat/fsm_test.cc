// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/fsm.h"

#include <gtest/gtest.h>

#include <memory>

namespace qc::migration::heartbeat {
namespace {

using colo::ColoLink;
using State = HeartbeatFsm::State;
using OrderMode = HeartbeatFsm::OrderMode;

constexpr int64_t kTimeoutMs = 1000;
constexpr int64_t kGraceMs = 250;

Hello hello_of(uint8_t number, Policy policy) {
    Hello hello{.policy = policy,
                .arbiter_kind = policy == Policy::kAsk ? ArbiterKind::kFile : ArbiterKind::kNone,
                .interval_ms = 100,
                .timeout_ms = kTimeoutMs,
                .pair = "p"};
    hello.instance[0] = std::byte{number};
    if (policy == Policy::kAsk) hello.arbiter[0] = std::byte{7};
    return hello;
}

// One side, with a peer that the test plays.
class HeartbeatFsmTest : public ::testing::Test {
 protected:
    static constexpr uint64_t kGeneration = 50;

    // An armed side at time 0.
    void arm(ColoMode role, Policy policy, Policy peer_policy) {
        role_ = role;
        fsm_ = std::make_unique<HeartbeatFsm>(hello_of(1, policy), 0);
        step(HeartbeatFsm::PeerHello{hello_of(2, peer_policy)});
        colo_ = {.role = role, .link = ColoLink::kUp, .session = 1};
        tell_colo();
        ASSERT_TRUE(took<HeartbeatFsm::Enroll>());
        step(HeartbeatFsm::Floor{40});
        beat(role == ColoMode::kPrimary ? Stand::kPairing : Stand::kArmed,
             role == ColoMode::kPrimary ? 0 : kGeneration);
        ASSERT_EQ(fsm_->state(), State::kArmed);
        ASSERT_EQ(fsm_->generation(), kGeneration);
        actions_.clear();
    }

    void step(const HeartbeatFsm::Input& input) {
        fsm_->step(input, now_ms_);
        collect();
    }
    void tick_at(int64_t at_ms) {
        now_ms_ = at_ms;
        fsm_->tick(at_ms);
        collect();
    }
    void tell_colo() { step(HeartbeatFsm::Colo{colo_}); }
    void lose_link() {
        colo_.link = ColoLink::kLost;
        tell_colo();
    }
    void beat(Stand stand, uint64_t generation = kGeneration, uint64_t echo = 0) {
        const ColoMode other =
            role_ == ColoMode::kPrimary ? ColoMode::kSecondary : ColoMode::kPrimary;
        step(HeartbeatFsm::PeerBeat{{.seq = ++peer_seq_,
                                     .echo = echo,
                                     .floor = kGeneration,
                                     .generation = generation,
                                     .role = other,
                                     .stand = stand}});
    }
    void answer(Verdict verdict) { step(HeartbeatFsm::Answer{kGeneration, verdict, "test"}); }
    void collect() {
        for (HeartbeatFsm::Action& action : fsm_->take_actions()) {
            if (auto* sent = std::get_if<HeartbeatFsm::SendBeat>(&action)) last_beat_ = sent->beat;
            actions_.push_back(std::move(action));
        }
    }
    // Whether such an action came since the last question.
    template <typename T>
    bool took() {
        bool found = false;
        for (const HeartbeatFsm::Action& action : actions_)
            found = found || std::holds_alternative<T>(action);
        actions_.clear();
        return found;
    }

    ColoMode role_ = ColoMode::kPrimary;
    std::unique_ptr<HeartbeatFsm> fsm_;
    colo::ColoSituation colo_;
    int64_t now_ms_ = 0;
    uint64_t peer_seq_ = 0;
    Beat last_beat_;
    std::vector<HeartbeatFsm::Action> actions_;
};

TEST_F(HeartbeatFsmTest, generation_is_the_greater_floor) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    EXPECT_EQ(last_beat_.generation, kGeneration);
    EXPECT_EQ(last_beat_.stand, Stand::kArmed);
}

TEST_F(HeartbeatFsmTest, secondary_is_armed_only_by_an_armed_primary) {
    role_ = ColoMode::kSecondary;
    fsm_ = std::make_unique<HeartbeatFsm>(hello_of(1, Policy::kAsk), 0);
    step(HeartbeatFsm::PeerHello{hello_of(2, Policy::kAsk)});
    colo_ = {.role = role_, .link = ColoLink::kUp, .session = 1};
    tell_colo();
    step(HeartbeatFsm::Floor{40});
    beat(Stand::kPairing, 0);
    EXPECT_EQ(fsm_->state(), State::kPairing);
    beat(Stand::kArmed, kGeneration + 1);
    EXPECT_EQ(fsm_->state(), State::kPairing);
    beat(Stand::kArmed, kGeneration);
    EXPECT_EQ(fsm_->state(), State::kArmed);
}

TEST_F(HeartbeatFsmTest, unacknowledged_primary_stops_at_the_end_of_its_lease) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    tick_at(kTimeoutMs - 1);
    EXPECT_FALSE(took<HeartbeatFsm::Fence>());
    tick_at(kTimeoutMs);
    EXPECT_TRUE(took<HeartbeatFsm::Fence>());
    EXPECT_EQ(fsm_->state(), State::kLosing);
    lose_link();
    EXPECT_TRUE(took<HeartbeatFsm::Ask>());
    answer(Verdict::kGranted);
    EXPECT_TRUE(took<HeartbeatFsm::GoOn>());
    colo_ = {.session = 1};
    tell_colo();
    EXPECT_EQ(fsm_->state(), State::kAlone);
}

TEST_F(HeartbeatFsmTest, echo_renews_the_lease_from_when_the_beat_was_sent) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    tick_at(300);
    const uint64_t sent = last_beat_.seq;
    // It comes late; what counts is 300.
    now_ms_ = 900;
    beat(Stand::kArmed, kGeneration, sent);
    tick_at(300 + kTimeoutMs - 1);
    EXPECT_EQ(fsm_->state(), State::kArmed);
    tick_at(300 + kTimeoutMs);
    EXPECT_EQ(fsm_->state(), State::kLosing);
}

TEST_F(HeartbeatFsmTest, beats_without_echo_do_not_renew_the_lease) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    for (int64_t at_ms = 100; at_ms < kTimeoutMs; at_ms += 100) {
        now_ms_ = at_ms;
        beat(Stand::kArmed);
    }
    tick_at(kTimeoutMs);
    EXPECT_EQ(fsm_->state(), State::kLosing);
}

TEST_F(HeartbeatFsmTest, checkpoint_renews_lease_and_patience) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    colo_.acked_ms = 800;
    tell_colo();
    tick_at(kTimeoutMs + 100);
    EXPECT_EQ(fsm_->state(), State::kArmed);
    EXPECT_TRUE(took<HeartbeatFsm::Probe>());

    arm(ColoMode::kSecondary, Policy::kAsk, Policy::kAsk);
}

TEST_F(HeartbeatFsmTest, secondary_waits_for_the_timeout_and_the_grace) {
    arm(ColoMode::kSecondary, Policy::kAsk, Policy::kAsk);
    tick_at(kTimeoutMs + kGraceMs - 1);
    EXPECT_EQ(fsm_->state(), State::kArmed);
    tick_at(kTimeoutMs + kGraceMs);
    EXPECT_EQ(fsm_->state(), State::kLosing);
    EXPECT_EQ(last_beat_.echo, 0U);
    lose_link();
    EXPECT_TRUE(took<HeartbeatFsm::Ask>());
    answer(Verdict::kGranted);
    EXPECT_TRUE(took<HeartbeatFsm::GoOn>());
}

TEST_F(HeartbeatFsmTest, secondary_that_lost_the_link_leaves_a_living_primary_its_turn) {
    arm(ColoMode::kSecondary, Policy::kAsk, Policy::kAsk);
    lose_link();
    EXPECT_EQ(fsm_->state(), State::kLosing);
    beat(Stand::kStopped);
    tick_at(500);
    EXPECT_FALSE(took<HeartbeatFsm::Ask>());
    beat(Stand::kAlone);
    EXPECT_EQ(fsm_->state(), State::kStoodDown);
    EXPECT_TRUE(took<HeartbeatFsm::StandDown>());
}

TEST_F(HeartbeatFsmTest, secondary_asks_when_the_primary_says_that_it_cannot) {
    arm(ColoMode::kSecondary, Policy::kAsk, Policy::kAsk);
    lose_link();
    beat(Stand::kWaits);
    EXPECT_TRUE(took<HeartbeatFsm::Ask>());
    answer(Verdict::kGranted);
    // The primary has said that its guest stands still.
    EXPECT_TRUE(took<HeartbeatFsm::GoOn>());
}

TEST_F(HeartbeatFsmTest, granted_secondary_goes_on_only_when_the_primary_is_silent) {
    arm(ColoMode::kSecondary, Policy::kAsk, Policy::kAsk);
    now_ms_ = 100;
    beat(Stand::kArmed);
    step(HeartbeatFsm::Ordered{});
    EXPECT_TRUE(took<HeartbeatFsm::Ask>());
    EXPECT_EQ(fsm_->state(), State::kArmed);
    answer(Verdict::kGranted);
    EXPECT_TRUE(took<HeartbeatFsm::Fence>());
    lose_link();
    beat(Stand::kLosing);
    EXPECT_FALSE(took<HeartbeatFsm::GoOn>());
    tick_at(100 + kTimeoutMs + kGraceMs - 1);
    EXPECT_FALSE(took<HeartbeatFsm::GoOn>());
    tick_at(100 + kTimeoutMs + kGraceMs);
    EXPECT_TRUE(took<HeartbeatFsm::GoOn>());
}

TEST_F(HeartbeatFsmTest, refused_side_stands_down) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    lose_link();
    EXPECT_TRUE(took<HeartbeatFsm::Ask>());
    answer(Verdict::kRefused);
    EXPECT_EQ(fsm_->state(), State::kStoodDown);
    EXPECT_EQ(last_beat_.stand, Stand::kStoodDown);
    tick_at(100'000);
    EXPECT_FALSE(took<HeartbeatFsm::GoOn>());
}

TEST_F(HeartbeatFsmTest, silent_arbiter_is_asked_again) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    lose_link();
    EXPECT_TRUE(took<HeartbeatFsm::Ask>());
    answer(Verdict::kUnreachable);
    EXPECT_EQ(fsm_->state(), State::kRetrying);
    EXPECT_EQ(last_beat_.stand, Stand::kWaits);
    EXPECT_FALSE(took<HeartbeatFsm::Ask>());
    tick_at(1000);
    EXPECT_TRUE(took<HeartbeatFsm::Ask>());
}

TEST_F(HeartbeatFsmTest, late_answer_about_another_generation_is_not_taken) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    lose_link();
    step(HeartbeatFsm::Answer{kGeneration - 1, Verdict::kGranted, "old"});
    EXPECT_FALSE(took<HeartbeatFsm::GoOn>());
}

TEST_F(HeartbeatFsmTest, primary_whose_secondary_has_left_need_not_ask) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    colo_.link = ColoLink::kLeft;
    tell_colo();
    for (const HeartbeatFsm::Action& action : actions_)
        EXPECT_FALSE(std::holds_alternative<HeartbeatFsm::Ask>(action));
    EXPECT_TRUE(took<HeartbeatFsm::GoOn>());
}

TEST_F(HeartbeatFsmTest, sides_that_both_wait_only_report) {
    arm(ColoMode::kPrimary, Policy::kWait, Policy::kWait);
    EXPECT_EQ(fsm_->order_mode(), OrderMode::kDirect);
    EXPECT_TRUE(fsm_->may_be_removed());
    tick_at(kTimeoutMs);
    EXPECT_EQ(fsm_->state(), State::kWaiting);
    for (const HeartbeatFsm::Action& action : actions_)
        EXPECT_FALSE(std::holds_alternative<HeartbeatFsm::Fence>(action));
    EXPECT_TRUE(took<HeartbeatFsm::ReportLost>());
    beat(Stand::kArmed);
    EXPECT_EQ(fsm_->state(), State::kArmed);
}

TEST_F(HeartbeatFsmTest, waiting_primary_of_a_side_that_takes_over_stops) {
    arm(ColoMode::kPrimary, Policy::kWait, Policy::kTakeOver);
    EXPECT_EQ(fsm_->order_mode(), OrderMode::kRefuse);
    EXPECT_FALSE(fsm_->may_be_removed());
    tick_at(kTimeoutMs);
    EXPECT_TRUE(took<HeartbeatFsm::Fence>());
    lose_link();
    EXPECT_EQ(fsm_->state(), State::kWaiting);
    EXPECT_EQ(last_beat_.stand, Stand::kWaits);
    EXPECT_EQ(fsm_->order_mode(), OrderMode::kRefuse);
    beat(Stand::kGranted);
    EXPECT_EQ(fsm_->state(), State::kStoodDown);
}

TEST_F(HeartbeatFsmTest, order_that_cannot_be_asked_about_changes_nothing) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    step(HeartbeatFsm::Ordered{});
    answer(Verdict::kUnreachable);
    EXPECT_EQ(fsm_->state(), State::kArmed);
    EXPECT_TRUE(took<HeartbeatFsm::ReportDecision>());
}

TEST_F(HeartbeatFsmTest, unfit_peers_are_refused) {
    HeartbeatFsm asks(hello_of(1, Policy::kAsk), 0);
    EXPECT_TRUE(asks.check_hello(hello_of(2, Policy::kAsk)));
    EXPECT_TRUE(asks.check_hello(hello_of(2, Policy::kWait)));
    EXPECT_FALSE(asks.check_hello(hello_of(2, Policy::kTakeOver)));
    EXPECT_FALSE(asks.check_hello(hello_of(1, Policy::kAsk)));
    Hello other = hello_of(2, Policy::kAsk);
    other.pair = "q";
    EXPECT_FALSE(asks.check_hello(other));
    other = hello_of(2, Policy::kAsk);
    other.arbiter[0] = std::byte{8};
    EXPECT_FALSE(asks.check_hello(other));
    other = hello_of(2, Policy::kAsk);
    other.arbiter_kind = ArbiterKind::kCommand;
    EXPECT_FALSE(asks.check_hello(other));
    HeartbeatFsm takes(hello_of(1, Policy::kTakeOver), 0);
    EXPECT_TRUE(takes.check_hello(hello_of(2, Policy::kWait)));
    EXPECT_FALSE(takes.check_hello(hello_of(2, Policy::kTakeOver)));
}

TEST_F(HeartbeatFsmTest, armed_pair_lets_no_third_one_in) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    EXPECT_TRUE(fsm_->check_hello(hello_of(2, Policy::kAsk)));
    EXPECT_FALSE(fsm_->check_hello(hello_of(3, Policy::kAsk)));
}

TEST_F(HeartbeatFsmTest, guest_that_stopped_too_late_is_reported) {
    arm(ColoMode::kPrimary, Policy::kAsk, Policy::kAsk);
    tick_at(kTimeoutMs);
    now_ms_ = kTimeoutMs + kGraceMs + 30;
    colo_.link = ColoLink::kLost;
    tell_colo();
    EXPECT_TRUE(took<HeartbeatFsm::ReportOverrun>());
}

}  // namespace
}  // namespace qc::migration::heartbeat
