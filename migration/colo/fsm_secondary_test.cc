// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/fsm_secondary.h"

#include <gtest/gtest.h>

#include <string>

namespace qc::migration::colo {
namespace {

using Fsm = SecondaryFsm;
using State = Fsm::State;

// One word an action.
std::string word(const Fsm::Action& action) {
    struct Words {
        std::string operator()(const Send& a) { return std::string(to_string(type_of(a.message))); }
        std::string operator()(const Fsm::Freeze&) { return "freeze"; }
        std::string operator()(const Fsm::ListWritten&) { return "list"; }
        std::string operator()(const Fsm::SendPageHashes&) { return "page-hashes"; }
        std::string operator()(const Fsm::Stage&) { return "stage"; }
        std::string operator()(const Fsm::Load&) { return "load"; }
        std::string operator()(const Fsm::SendHashes&) { return "hashes"; }
        std::string operator()(const Fsm::DropCheckpoint&) { return "drop"; }
        std::string operator()(const Fsm::FollowReset&) { return "reset"; }
        std::string operator()(const Fsm::FollowShutdown&) { return "shutdown"; }
        std::string operator()(const Fsm::EnterColo&) { return "enter"; }
        std::string operator()(const Fsm::Die&) { return "die"; }
        std::string operator()(const ReleaseGuest&) { return "release"; }
        std::string operator()(const CarryOutRequests&) { return "carry-out"; }
        std::string operator()(const CloseLink&) { return "close"; }
        std::string operator()(const ReportExit& a) {
            return a.reason == ColoExitReason::kRequest ? "exit-request" : "exit-error";
        }
        std::string operator()(const Finish& a) {
            return a.kind == Finish::Kind::kWentOn     ? "take-over"
                   : a.kind == Finish::Kind::kShutDown ? "shut-down"
                                                       : "quit";
        }
    };
    return std::visit(Words{}, action);
}

class SecondaryFsmTest : public testing::Test {
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
    static DevicesMessage devices() {
        DevicesMessage message;
        message.components.resize(2);
        return message;
    }
    static CommitMessage commit(CommitFlags flags = {}) {
        return {.pages = 3, .zero_pages = 1, .components = 2, .flags = flags};
    }
    // Brings the machine there by the ordinary way.
    void reach(State state, CommitFlags flags = {}) {
        actions();
        if (state == State::kStarting) return;
        step(PeerMessage{0, EnteredMessage{}});
        if (state == State::kRunning) return;
        step(Fsm::PagesArrived{1, 1, 1});
        receive(CheckpointMessage{});
        if (state == State::kReceiving) return;
        step(Fsm::PagesArrived{1, 2, 0});
        receive(devices());
        receive(commit(flags));
        if (state == State::kStaging) return;
        step(Fsm::Staged{});
    }

    int64_t now = 1000;
    Fsm fsm{now};
};

TEST_F(SecondaryFsmTest, checkpoint_runs_through_its_phases) {
    EXPECT_EQ(actions(), "READY");
    EXPECT_EQ(receive(EnteredMessage{}), "enter");
    EXPECT_EQ(receive(CheckpointMessage{}), "freeze STOPPED");
    EXPECT_EQ(step(Fsm::PagesArrived{1, 3, 1}), "");
    EXPECT_EQ(receive(devices()), "");
    EXPECT_EQ(receive(commit()), "stage");
    EXPECT_EQ(step(Fsm::Staged{}), "RECEIVED load");
    EXPECT_EQ(step(Fsm::LoadDone{}), "release COMMITTED");
    EXPECT_EQ(fsm.state(), State::kRunning);
    EXPECT_EQ(fsm.epoch(), 2u);
}

TEST_F(SecondaryFsmTest, loss_before_colo_was_entered_is_the_end) {
    reach(State::kStarting);
    EXPECT_EQ(step(PeerLost{"x"}), "LEAVES close die");
    EXPECT_FALSE(fsm.accepts_orders());
}

TEST_F(SecondaryFsmTest, loss_while_running_keeps_the_guest_running) {
    reach(State::kRunning);
    EXPECT_EQ(step(PeerLost{"x"}), "close drop exit-error");
    EXPECT_FALSE(fsm.owns_output());
    EXPECT_EQ(step(Ordered{}), "take-over");
    EXPECT_TRUE(fsm.owns_output());
}

TEST_F(SecondaryFsmTest, loss_in_a_checkpoint_drops_it_and_lets_the_guest_run) {
    for (State state : {State::kReceiving, State::kStaging}) {
        fsm = Fsm(now);
        reach(state);
        EXPECT_EQ(step(PeerLost{"x"}), "close drop exit-error release");
        EXPECT_EQ(fsm.state(), State::kLost);
    }
}

TEST_F(SecondaryFsmTest, loss_while_loading_waits_for_the_end_of_the_load) {
    reach(State::kCommitting);
    EXPECT_EQ(step(PeerLost{"x"}), "");
    EXPECT_EQ(step(Fsm::LoadDone{}), "release close drop exit-error");
    EXPECT_EQ(fsm.state(), State::kLost);
}

TEST_F(SecondaryFsmTest, order_is_carried_out_at_once_except_while_loading) {
    for (State state : {State::kRunning, State::kReceiving, State::kStaging}) {
        fsm = Fsm(now);
        reach(state);
        EXPECT_EQ(step(Ordered{}), "TAKES_OVER close drop take-over exit-request");
    }
    fsm = Fsm(now);
    reach(State::kCommitting);
    EXPECT_EQ(step(Ordered{}), "");
    EXPECT_EQ(step(Fsm::LoadDone{}), "release TAKES_OVER close drop take-over exit-request");
}

TEST_F(SecondaryFsmTest, wrong_counts_drop_the_checkpoint) {
    for (CommitMessage wrong : {CommitMessage{.pages = 4, .zero_pages = 1, .components = 2},
                                CommitMessage{.pages = 3, .zero_pages = 0, .components = 2},
                                CommitMessage{.pages = 3, .zero_pages = 1, .components = 3}}) {
        fsm = Fsm(now);
        reach(State::kReceiving);
        step(Fsm::PagesArrived{1, 2, 0});
        receive(devices());
        EXPECT_EQ(receive(wrong), "close drop exit-error release");
    }
}

TEST_F(SecondaryFsmTest, commit_without_devices_is_refused) {
    reach(State::kReceiving);
    step(Fsm::PagesArrived{1, 2, 0});
    EXPECT_EQ(receive(CommitMessage{.pages = 3, .zero_pages = 1, .components = 0}),
              "close drop exit-error release");
}

TEST_F(SecondaryFsmTest, devices_that_cannot_be_staged_leave_the_guest_as_it_was) {
    reach(State::kStaging);
    EXPECT_EQ(step(Fsm::StageFailed{"cpu"}), "close drop exit-error release");
}

TEST_F(SecondaryFsmTest, load_that_fails_ends_the_machine) {
    reach(State::kCommitting);
    EXPECT_EQ(step(Fsm::LoadFailed{"ioctl"}), "LEAVES close exit-error die");
    EXPECT_EQ(step(Ordered{}), "");
}

TEST_F(SecondaryFsmTest, silence_while_frozen_has_a_deadline_and_progress_moves_it) {
    reach(State::kReceiving);
    EXPECT_EQ(tick(kAnswerDeadlineMs - 1), "");
    step(Fsm::PagesArrived{1, 1, 0});
    EXPECT_EQ(tick(kAnswerDeadlineMs - 1), "");
    EXPECT_EQ(tick(1), "close drop exit-error release");
}

TEST_F(SecondaryFsmTest, silence_while_running_has_none) {
    reach(State::kRunning);
    EXPECT_EQ(fsm.next_deadline_ms(), std::nullopt);
}

TEST_F(SecondaryFsmTest, pages_of_another_epoch_or_after_commit_are_refused) {
    reach(State::kRunning);
    EXPECT_EQ(step(Fsm::PagesArrived{2, 1, 0}), "close drop exit-error");
    fsm = Fsm(now);
    reach(State::kStaging);
    EXPECT_EQ(step(Fsm::PagesArrived{1, 1, 0}), "close drop exit-error release");
}

TEST_F(SecondaryFsmTest, reset_and_shutdown_are_followed_after_the_load) {
    reach(State::kCommitting, {.reset = true});
    EXPECT_EQ(step(Fsm::LoadDone{}), "reset release COMMITTED");
    fsm = Fsm(now);
    reach(State::kCommitting, {.shutdown = true});
    EXPECT_EQ(step(Fsm::LoadDone{}), "COMMITTED close shut-down exit-request shutdown");
}

TEST_F(SecondaryFsmTest, hashes_go_out_before_the_guest_runs) {
    reach(State::kCommitting, {.verify = true});
    EXPECT_EQ(step(Fsm::LoadDone{}), "hashes release COMMITTED");
}

TEST_F(SecondaryFsmTest, primary_that_leaves_or_goes_on_alone_is_lost) {
    reach(State::kRunning);
    EXPECT_EQ(receive(LeavesMessage{}), "close drop exit-error");
    fsm = Fsm(now);
    reach(State::kReceiving);
    EXPECT_EQ(receive(TakesOverMessage{}), "close drop exit-error release");
}

TEST_F(SecondaryFsmTest, quit_promises_never_to_take_over) {
    reach(State::kRunning);
    EXPECT_EQ(step(Quit{}), "LEAVES close quit");
}

class SecondaryDivergedTest : public SecondaryFsmTest {
 protected:
    void SetUp() override {
        fsm = Fsm(now, true);
        reach(State::kStarting);
        receive(EnteredMessage{});
    }
    static CheckpointMessage checkpoint() { return {Cause::kPeriod, Compare::kPages}; }
};

TEST_F(SecondaryDivergedTest, list_comes_before_stopped_and_hashes_after_it) {
    EXPECT_EQ(receive(checkpoint()), "freeze list");
    EXPECT_EQ(fsm.state(), State::kListing);
    EXPECT_EQ(step(Fsm::Listed{}), "STOPPED page-hashes");
    EXPECT_EQ(step(Fsm::PagesArrived{1, 2, 1, 4}), "");
    receive(devices());
    EXPECT_EQ(receive(CommitMessage{.pages = 2, .zero_pages = 1, .patched = 4, .components = 2}),
              "stage");
    EXPECT_EQ(step(Fsm::Staged{}), "RECEIVED load");
}

TEST_F(SecondaryDivergedTest, without_comparison_there_are_no_hashes) {
    EXPECT_EQ(receive(CheckpointMessage{}), "freeze list");
    EXPECT_EQ(step(Fsm::Listed{}), "STOPPED");
}

TEST_F(SecondaryDivergedTest, pages_sent_ahead_are_refused) {
    EXPECT_EQ(step(Fsm::PagesArrived{1, 1, 0, 0}), "close drop exit-error");
}

TEST_F(SecondaryDivergedTest, commit_before_the_list_is_refused) {
    receive(checkpoint());
    EXPECT_EQ(receive(commit()), "close drop exit-error release");
}

TEST_F(SecondaryDivergedTest, wrong_number_of_patched_pages_drops_the_checkpoint) {
    receive(checkpoint());
    step(Fsm::Listed{});
    step(Fsm::PagesArrived{1, 0, 0, 4});
    receive(devices());
    EXPECT_EQ(receive(CommitMessage{.patched = 3, .components = 2}),
              "close drop exit-error release");
}

TEST_F(SecondaryDivergedTest, loss_or_failure_while_listing_lets_the_guest_run) {
    receive(checkpoint());
    EXPECT_EQ(step(PeerLost{"x"}), "close drop exit-error release");
    SetUp();
    receive(checkpoint());
    EXPECT_EQ(step(Fsm::ListFailed{"x"}), "close drop exit-error release");
    EXPECT_EQ(fsm.state(), State::kLost);
}

TEST_F(SecondaryDivergedTest, order_while_listing_is_carried_out_at_once) {
    receive(checkpoint());
    EXPECT_EQ(step(Ordered{}), "TAKES_OVER close drop take-over exit-request");
}

TEST_F(SecondaryFsmTest, hashes_are_refused_by_who_keeps_a_cache) {
    reach(State::kRunning);
    EXPECT_EQ(receive(CheckpointMessage{Cause::kPeriod, Compare::kPages}), "close drop exit-error");
}

}  // namespace
}  // namespace qc::migration::colo
