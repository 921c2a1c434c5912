// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/fsm_primary.h"

#include <gtest/gtest.h>

#include <string>

namespace qc::migration::colo {
namespace {

using Fsm = PrimaryFsm;
using State = Fsm::State;

// One word an action.
std::string word(const Fsm::Action& action) {
    struct Words {
        std::string operator()(const Send& a) { return std::string(to_string(type_of(a.message))); }
        std::string operator()(const Fsm::Freeze&) { return "freeze"; }
        std::string operator()(const Fsm::Capture& a) {
            return std::string("capture") + (a.flags.reset ? "+reset" : "") +
                   (a.flags.shutdown ? "+shutdown" : "") + (a.flags.verify ? "+verify" : "");
        }
        std::string operator()(const Fsm::NoteWritten&) { return "note-written"; }
        std::string operator()(const Fsm::NoteHashes&) { return "note-hashes"; }
        std::string operator()(const Fsm::StartCompare&) { return "start-compare"; }
        std::string operator()(const Fsm::CloseGate&) { return "hold-output"; }
        std::string operator()(const Fsm::OpenGate&) { return "let-output-go"; }
        std::string operator()(const Fsm::SendSnapshot&) { return "send"; }
        std::string operator()(const Fsm::CompareHashes&) { return "compare"; }
        std::string operator()(const Fsm::CheckpointDone&) { return "done"; }
        std::string operator()(const Fsm::EnterColo&) { return "enter"; }
        std::string operator()(const Fsm::Abandon&) { return "abandon"; }
        std::string operator()(const ReleaseGuest&) { return "release"; }
        std::string operator()(const CarryOutRequests&) { return "carry-out"; }
        std::string operator()(const CloseLink&) { return "close"; }
        std::string operator()(const ReportExit& a) {
            return a.reason == ColoExitReason::kRequest ? "exit-request" : "exit-error";
        }
        std::string operator()(const Finish& a) {
            return a.kind == Finish::Kind::kWentOn     ? "go-on"
                   : a.kind == Finish::Kind::kShutDown ? "shut-down"
                                                       : "quit";
        }
    };
    return std::visit(Words{}, action);
}

class PrimaryFsmTest : public testing::Test {
 protected:
    std::string actions() {
        std::string text;
        for (const Fsm::Action& action : fsm.take_actions())
            text += (text.empty() ? "" : " ") + word(action);
        return text;
    }
    std::string step(const Fsm::Input& input) {
        fsm.step(input, now);
        return actions();
    }
    template <typename M>
    std::string receive(M message) {
        return step(PeerMessage{fsm.epoch(), message});
    }
    std::string tick(int64_t by_ms) {
        now += by_ms;
        fsm.tick(now);
        return actions();
    }
    // Brings the machine there by the ordinary way.
    void reach(State state) {
        if (state == State::kStarting) return;
        receive(ReadyMessage{});
        if (state == State::kRunning) return;
        step(Fsm::CheckpointWanted{Cause::kRequest});
        if (state == State::kRequested) return;
        receive(StoppedMessage{});
        if (state == State::kCapturing) return;
        step(Fsm::Captured{});
        if (state == State::kSending) return;
        step(Fsm::SnapshotSent{});
        if (state == State::kAwaitReceived) return;
        receive(ReceivedMessage{});
    }

    int64_t now = 1000;
    Fsm fsm{{.delay_ms = 500, .verify = false}, now};
};

TEST_F(PrimaryFsmTest, checkpoint_runs_through_its_phases) {
    EXPECT_EQ(receive(ReadyMessage{}), "ENTERED enter");
    EXPECT_EQ(tick(499), "");
    EXPECT_EQ(tick(1), "CHECKPOINT");
    EXPECT_EQ(receive(StoppedMessage{}), "freeze capture");
    EXPECT_EQ(step(Fsm::Captured{}), "hold-output release send");
    EXPECT_EQ(step(Fsm::SnapshotSent{}), "");
    EXPECT_EQ(receive(ReceivedMessage{}), "");
    EXPECT_EQ(receive(CommittedMessage{}), "let-output-go release done");
    EXPECT_EQ(fsm.state(), State::kRunning);
    EXPECT_EQ(fsm.epoch(), 2u);
}

TEST_F(PrimaryFsmTest, loss_before_ready_abandons_the_migration) {
    EXPECT_EQ(step(PeerLost{"x"}), "close abandon");
    EXPECT_EQ(fsm.state(), State::kFailed);
    EXPECT_TRUE(fsm.owns_output());
}

TEST_F(PrimaryFsmTest, loss_freezes_the_guest_before_the_link_is_closed) {
    for (State state : {State::kRunning, State::kRequested, State::kCapturing, State::kSending,
                        State::kAwaitReceived, State::kAwaitCommitted}) {
        fsm = Fsm({.delay_ms = 500}, now);
        reach(state);
        EXPECT_EQ(step(PeerLost{"x"}), "freeze close exit-error");
        EXPECT_FALSE(fsm.owns_output());
        EXPECT_EQ(step(PeerLost{"again"}), "");
        EXPECT_EQ(step(Ordered{}), "let-output-go go-on");
        EXPECT_TRUE(fsm.owns_output());
    }
}

TEST_F(PrimaryFsmTest, order_with_a_living_peer_tells_it) {
    for (State state : {State::kRunning, State::kRequested, State::kCapturing, State::kSending,
                        State::kAwaitReceived, State::kAwaitCommitted}) {
        fsm = Fsm({.delay_ms = 500}, now);
        reach(state);
        EXPECT_EQ(step(Ordered{}), "TAKES_OVER close let-output-go go-on exit-request");
        EXPECT_TRUE(fsm.done());
    }
}

TEST_F(PrimaryFsmTest, every_wait_has_a_deadline) {
    const std::pair<State, int64_t> limits[] = {{State::kStarting, kStartDeadlineMs},
                                                {State::kRequested, kAnswerDeadlineMs},
                                                {State::kAwaitReceived, kAnswerDeadlineMs},
                                                {State::kAwaitCommitted, kAnswerDeadlineMs}};
    for (auto [state, limit] : limits) {
        fsm = Fsm({.delay_ms = 500}, now);
        reach(state);
        EXPECT_EQ(tick(limit - 1), "");
        EXPECT_NE(tick(1), "") << static_cast<int>(state);
    }
}

TEST_F(PrimaryFsmTest, peer_that_leaves_lets_the_guest_run) {
    reach(State::kAwaitReceived);
    EXPECT_EQ(receive(LeavesMessage{}), "close exit-error let-output-go release carry-out");
    EXPECT_TRUE(fsm.owns_output());
    EXPECT_EQ(step(Ordered{}), "let-output-go go-on");
}

TEST_F(PrimaryFsmTest, peer_that_takes_over_stops_the_guest) {
    reach(State::kRunning);
    EXPECT_EQ(receive(TakesOverMessage{}), "freeze close exit-error");
    EXPECT_EQ(fsm.state(), State::kLost);
}

TEST_F(PrimaryFsmTest, message_of_another_epoch_or_in_the_wrong_place_loses_the_peer) {
    reach(State::kRequested);
    EXPECT_EQ(step(PeerMessage{fsm.epoch() + 1, StoppedMessage{}}), "freeze close exit-error");
    fsm = Fsm({.delay_ms = 500}, now);
    reach(State::kRunning);
    EXPECT_EQ(receive(CommittedMessage{}), "freeze close exit-error");
    fsm = Fsm({.delay_ms = 500}, now);
    reach(State::kAwaitCommitted);
    EXPECT_EQ(receive(HashesMessage{}), "freeze close exit-error");
}

TEST_F(PrimaryFsmTest, reset_rides_on_the_checkpoint_under_way_if_it_is_not_captured_yet) {
    reach(State::kRequested);
    EXPECT_EQ(step(Fsm::CheckpointWanted{Cause::kGuestReset}), "");
    EXPECT_EQ(receive(StoppedMessage{}), "freeze capture+reset");
    EXPECT_EQ(step(Fsm::Captured{}), "send") << "both guests are reset before they go on";
    step(Fsm::SnapshotSent{});
    receive(ReceivedMessage{});
    EXPECT_EQ(receive(CommittedMessage{}), "carry-out let-output-go release done");
}

TEST_F(PrimaryFsmTest, shutdown_after_the_capture_gets_a_checkpoint_of_its_own) {
    reach(State::kAwaitReceived);
    EXPECT_EQ(step(Fsm::CheckpointWanted{Cause::kGuestShutdown}), "");
    receive(ReceivedMessage{});
    EXPECT_EQ(receive(CommittedMessage{}), "let-output-go release done CHECKPOINT");
    EXPECT_EQ(receive(StoppedMessage{}), "freeze capture+shutdown");
    EXPECT_EQ(step(Fsm::Captured{}), "send");
    step(Fsm::SnapshotSent{});
    receive(ReceivedMessage{});
    EXPECT_EQ(receive(CommittedMessage{}), "done close let-output-go shut-down exit-request");
}

TEST_F(PrimaryFsmTest, changed_delay_starts_a_checkpoint_and_counts_from_then) {
    reach(State::kRunning);
    EXPECT_EQ(step(Fsm::DelayChanged{50}), "CHECKPOINT");
}

TEST_F(PrimaryFsmTest, hashes_are_compared_when_they_were_asked_for) {
    fsm = Fsm({.delay_ms = 500, .verify = true}, now);
    reach(State::kSending);
    step(Fsm::SnapshotSent{});
    receive(ReceivedMessage{});
    EXPECT_EQ(receive(HashesMessage{}), "compare");
    EXPECT_EQ(step(Fsm::VerifyFailed{"page 1"}), "freeze close exit-error");
}

TEST_F(PrimaryFsmTest, quit_promises_and_keeps_silent_about_exits) {
    reach(State::kRunning);
    EXPECT_EQ(step(Quit{}), "LEAVES close quit");
}

TEST_F(PrimaryFsmTest, order_before_colo_was_entered_is_ignored) {
    EXPECT_EQ(step(Ordered{}), "");
    EXPECT_EQ(fsm.state(), State::kStarting);
}

class PrimaryDivergedTest : public PrimaryFsmTest {
 protected:
    void SetUp() override {
        fsm = Fsm({.delay_ms = 500, .diverged = true, .compare = Compare::kPages}, now);
    }
    static WrittenMessage written() { return {{.block = 0, .pages = 1, .runs = {{3, 1}}}}; }
    static PageHashesMessage hashes() { return {Compare::kPages, {1, 2}}; }
};

TEST_F(PrimaryDivergedTest, hashes_are_compared_while_the_guest_runs_behind_the_gate) {
    reach(State::kRunning);
    step(Fsm::CheckpointWanted{Cause::kRequest});
    EXPECT_EQ(receive(written()), "note-written");
    EXPECT_EQ(receive(StoppedMessage{}), "freeze capture");
    EXPECT_EQ(receive(hashes()), "note-hashes");
    EXPECT_EQ(step(Fsm::Captured{}), "hold-output release start-compare");
    EXPECT_EQ(fsm.state(), State::kComparing);
    EXPECT_EQ(receive(hashes()), "note-hashes");
    EXPECT_EQ(step(Fsm::Compared{}), "send");
    EXPECT_EQ(fsm.state(), State::kSending);
}

TEST_F(PrimaryDivergedTest, checkpoint_without_comparison_is_sent_at_once) {
    fsm = Fsm({.delay_ms = 500, .diverged = true, .compare = Compare::kNothing}, now);
    reach(State::kCapturing);
    EXPECT_EQ(step(Fsm::Captured{}), "hold-output release send");
}

TEST_F(PrimaryDivergedTest, chosen_comparison_is_asked_for_in_the_next_checkpoint) {
    reach(State::kRunning);
    step(Fsm::CompareChosen{Compare::kPieces});
    fsm.step(Fsm::CheckpointWanted{Cause::kRequest}, now);
    std::vector<Fsm::Action> asked = fsm.take_actions();
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(std::get<CheckpointMessage>(std::get<Send>(asked[0]).message).compare,
              Compare::kPieces);
}

TEST_F(PrimaryDivergedTest, list_or_hashes_in_the_wrong_place_end_the_pair) {
    reach(State::kRunning);
    EXPECT_EQ(receive(written()), "freeze close exit-error");
    SetUp();
    reach(State::kRunning);
    EXPECT_EQ(receive(hashes()), "freeze close exit-error");
    SetUp();
    reach(State::kCapturing);
    EXPECT_EQ(receive(written()), "freeze close exit-error");
    fsm = Fsm({.delay_ms = 500}, now);
    reach(State::kRequested);
    EXPECT_EQ(receive(written()), "freeze close exit-error");
}

TEST_F(PrimaryDivergedTest, peer_that_errs_is_lost) {
    reach(State::kCapturing);
    step(Fsm::Captured{});
    EXPECT_EQ(step(PeerErred{"no such page"}), "freeze close exit-error");
    EXPECT_EQ(fsm.state(), State::kLost);
}

TEST_F(PrimaryDivergedTest, hashes_that_do_not_come_have_a_deadline) {
    reach(State::kCapturing);
    step(Fsm::Captured{});
    EXPECT_EQ(tick(kAnswerDeadlineMs - 1), "");
    EXPECT_EQ(tick(1), "freeze close exit-error");
}

TEST_F(PrimaryDivergedTest, reset_keeps_the_guest_stopped_while_comparing) {
    reach(State::kRunning);
    step(Fsm::CheckpointWanted{Cause::kGuestReset});
    EXPECT_EQ(receive(StoppedMessage{}), "freeze capture+reset");
    EXPECT_EQ(step(Fsm::Captured{}), "start-compare");
}

}  // namespace
}  // namespace qc::migration::colo
