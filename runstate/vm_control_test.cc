// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/vm_control.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "runstate/fake_vcpu.h"

namespace qc::runstate {
namespace {

struct Journal final : RunObserver {
    void run_state_changed(RunState from, RunState to) override {
        text += fmt::format("{}>{} ", to_string(from), to_string(to));
    }
    std::string text;
};

class Recorder final : public RunListener {
 public:
    Recorder(std::string& text, char name) : text_(text), name_(name) {}
    void vm_starting() override { text_ += name_; }
    void vm_stopped() override { text_ += static_cast<char>(name_ - 'a' + 'A'); }

 private:
    std::string& text_;
    char name_;
};

class VmControlTest : public testing::Test {
 protected:
    void SetUp() override {
        control_.add_observer(journal_);
        ASSERT_TRUE(control_.add_vcpu(first_));
        ASSERT_TRUE(control_.add_vcpu(second_));
    }
    void TearDown() override { control_.shut_down(); }

    MachineLock lock_;
    VirtualClock clock_;
    int clock_changes_ = 0;
    Mutex error_mutex_;
    CondVar error_changed_;
    int internal_errors_ GUARDED_BY(error_mutex_) = 0;
    bool asleep_ = false;
    FakeVcpu first_, second_;
    Journal journal_;
    VmControl control_{{.lock = lock_,
                        .virtual_clock = clock_,
                        .clock_changed = [this] { ++clock_changes_; },
                        .internal_error =
                            [this] {
                                MutexLock lock(error_mutex_);
                                ++internal_errors_;
                                error_changed_.notify_all();
                            },
                        .guest_asleep = [this] { return asleep_; }}};
};

TEST_F(VmControlTest, vcpus_run_only_after_start) {
    EXPECT_EQ(first_.runs(), 0);
    EXPECT_FALSE(clock_.running());

    ASSERT_TRUE(control_.start());
    first_.wait_for_runs(1);
    second_.wait_for_runs(1);

    EXPECT_TRUE(control_.running());
    EXPECT_TRUE(clock_.running());
    EXPECT_EQ(journal_.text, "prelaunch>running ");
}

TEST_F(VmControlTest, stop_pauses_vcpus_and_clock) {
    ASSERT_TRUE(control_.start());
    first_.wait_for_runs(1);

    ASSERT_TRUE(control_.stop(RunState::kPaused));

    int runs = first_.runs();
    EXPECT_FALSE(clock_.running());
    EXPECT_EQ(clock_changes_, 2);
    EXPECT_EQ(control_.state(), RunState::kPaused);
    std::this_thread::yield();
    EXPECT_EQ(first_.runs(), runs);
}

TEST_F(VmControlTest, halted_vcpu_waits_for_an_event_and_can_be_stopped) {
    first_.halted_ = true;
    ASSERT_TRUE(control_.start());
    first_.wait_for_waits(1);
    EXPECT_TRUE(control_.stop(RunState::kPaused));
}

TEST_F(VmControlTest, illegal_stop_names_both_states_and_keeps_running) {
    ASSERT_TRUE(control_.start());
    auto result = control_.stop(RunState::kPostmigrate);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), "the VM cannot go from 'running' to 'postmigrate'");
    EXPECT_TRUE(control_.running());
}

TEST_F(VmControlTest, sleeping_guest_stands_still_while_clocks_go_on) {
    ASSERT_TRUE(control_.start());
    first_.wait_for_runs(1);
    asleep_ = true;
    control_.suspend();
    const int runs = first_.runs();
    EXPECT_TRUE(clock_.running());
    EXPECT_TRUE(control_.live());
    EXPECT_FALSE(control_.running());
    asleep_ = false;
    ASSERT_TRUE(control_.wake_up([&] {
        lock_.assert_held();
        EXPECT_EQ(first_.runs(), runs);
    }));
    first_.wait_for_runs(runs + 1);
    EXPECT_EQ(journal_.text, "prelaunch>running running>suspended suspended>running ");
    EXPECT_EQ(control_.wake_up([] {}).error().message(),
              "Unable to wake up: guest is not in suspended state");
}

TEST_F(VmControlTest, stopped_vm_whose_guest_sleeps_goes_on_sleeping) {
    ASSERT_TRUE(control_.start());
    first_.wait_for_runs(1);
    asleep_ = true;
    control_.suspend();
    const int runs = first_.runs();
    ASSERT_TRUE(control_.user_stop());
    EXPECT_FALSE(clock_.running());
    EXPECT_FALSE(control_.wake_up([] {}));
    control_.suspend();
    EXPECT_EQ(control_.state(), RunState::kPaused);
    ASSERT_TRUE(control_.user_start());
    EXPECT_EQ(control_.state(), RunState::kSuspended);
    EXPECT_TRUE(clock_.running());
    {
        auto guard = control_.freeze(RunState::kColo);
        ASSERT_TRUE(guard);
        EXPECT_TRUE(guard->was_running());
        EXPECT_FALSE(clock_.running());
    }
    EXPECT_EQ(control_.state(), RunState::kSuspended);
    EXPECT_EQ(first_.runs(), runs);
}

// The guest asked for it while a checkpoint was taken, or is another one since.
TEST_F(VmControlTest, freeze_ends_where_the_guest_is_then) {
    ASSERT_TRUE(control_.start());
    {
        auto guard = control_.freeze(RunState::kColo);
        asleep_ = true;
        control_.suspend();
    }
    EXPECT_EQ(control_.state(), RunState::kSuspended);
    {
        auto guard = control_.freeze(RunState::kColo);
        asleep_ = false;
    }
    EXPECT_EQ(control_.state(), RunState::kRunning);
}

TEST_F(VmControlTest, start_from_a_dead_end_is_refused) {
    ASSERT_TRUE(control_.start());
    ASSERT_TRUE(control_.stop(RunState::kInternalError));
    EXPECT_FALSE(control_.start());
    EXPECT_TRUE(control_.set_state(RunState::kPaused));
    EXPECT_TRUE(control_.start());
}

struct Refusing final : RunListener {
    Result<void> prepare_to_start() override {
        if (refuse) return fail("the image is locked");
        return {};
    }
    void vm_starting() override { ++starts; }
    void vm_stopped() override {}
    bool refuse = false;
    int starts = 0;
};

TEST_F(VmControlTest, listener_that_cannot_start_keeps_the_vm_still) {
    Refusing listener;
    listener.refuse = true;
    control_.add_listener(listener);
    auto result = control_.start();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), "the image is locked");
    EXPECT_FALSE(control_.running());
    EXPECT_FALSE(clock_.running());
    EXPECT_EQ(listener.starts, 0);
    listener.refuse = false;
    EXPECT_TRUE(control_.start());
    EXPECT_EQ(listener.starts, 1);
    control_.shut_down();
}

TEST_F(VmControlTest, guard_that_cannot_restart_leaves_the_vm_paused) {
    Refusing listener;
    control_.add_listener(listener);
    ASSERT_TRUE(control_.start());
    {
        auto guard = control_.freeze(RunState::kFinishMigrate);
        ASSERT_TRUE(guard);
        listener.refuse = true;
    }
    EXPECT_EQ(control_.state(), RunState::kPaused);
    listener.refuse = false;
    EXPECT_TRUE(control_.start());
    control_.shut_down();
}

TEST_F(VmControlTest, set_state_does_not_start_or_stop) {
    EXPECT_FALSE(control_.set_state(RunState::kRunning));
    ASSERT_TRUE(control_.start());
    EXPECT_FALSE(control_.set_state(RunState::kPaused));
    EXPECT_TRUE(control_.running());
}

TEST_F(VmControlTest, listeners_start_forwards_and_stop_backwards) {
    std::string order;
    Recorder a(order, 'a'), b(order, 'b');
    control_.add_listener(a);
    control_.add_listener(b);
    ASSERT_TRUE(control_.start());
    ASSERT_TRUE(control_.stop(RunState::kPaused));
    EXPECT_EQ(order, "abBA");
}

TEST_F(VmControlTest, freeze_of_a_running_vm_resumes_it) {
    ASSERT_TRUE(control_.start());
    {
        auto guard = control_.freeze(RunState::kColo);
        ASSERT_TRUE(guard);
        EXPECT_TRUE(guard->was_running());
        EXPECT_EQ(control_.state(), RunState::kColo);
    }
    EXPECT_TRUE(control_.running());
    EXPECT_EQ(journal_.text, "prelaunch>running running>colo colo>running ");
}

TEST_F(VmControlTest, freeze_of_a_paused_vm_leaves_it_paused) {
    ASSERT_TRUE(control_.start());
    ASSERT_TRUE(control_.stop(RunState::kPaused));
    {
        auto guard = control_.freeze(RunState::kColo);
        ASSERT_TRUE(guard);
        EXPECT_FALSE(guard->was_running());
    }
    EXPECT_EQ(control_.state(), RunState::kPaused);
}

TEST_F(VmControlTest, freeze_that_is_disarmed_leaves_the_vm_stopped) {
    ASSERT_TRUE(control_.start());
    control_.freeze(RunState::kFinishMigrate)->disarm();
    EXPECT_EQ(control_.state(), RunState::kFinishMigrate);
}

TEST_F(VmControlTest, freeze_keeps_a_state_that_somebody_else_set) {
    ASSERT_TRUE(control_.start());
    {
        auto guard = control_.freeze(RunState::kColo);
        ASSERT_TRUE(control_.stop(RunState::kShutdown));
    }
    EXPECT_EQ(control_.state(), RunState::kShutdown);
}

TEST_F(VmControlTest, second_freeze_is_refused) {
    ASSERT_TRUE(control_.start());
    auto guard = control_.freeze(RunState::kColo);
    auto second = control_.freeze(RunState::kFinishMigrate);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message(), "the VM is frozen already, for 'colo'");
}

TEST_F(VmControlTest, freeze_without_a_way_back_is_refused) {
    ASSERT_TRUE(control_.start());
    EXPECT_FALSE(control_.freeze(RunState::kShutdown));
    EXPECT_TRUE(control_.running());
}

TEST_F(VmControlTest, user_stop_during_a_freeze_takes_effect_after_it) {
    ASSERT_TRUE(control_.start());
    {
        auto guard = control_.freeze(RunState::kColo);
        ASSERT_TRUE(control_.user_stop());
        EXPECT_EQ(control_.state(), RunState::kColo);
    }
    EXPECT_EQ(control_.state(), RunState::kPaused);
}

TEST_F(VmControlTest, user_start_during_a_freeze_takes_effect_after_it) {
    ASSERT_TRUE(control_.start());
    ASSERT_TRUE(control_.user_stop());
    {
        auto guard = control_.freeze(RunState::kColo);
        ASSERT_TRUE(control_.user_start());
        EXPECT_EQ(control_.state(), RunState::kColo);
    }
    EXPECT_TRUE(control_.running());
}

TEST_F(VmControlTest, internal_error_is_reported_once_and_the_vm_can_be_stopped) {
    first_.fail_next_ = true;
    ASSERT_TRUE(control_.start());
    {
        MutexLock lock(error_mutex_);
        while (internal_errors_ == 0)
            error_changed_.wait(error_mutex_);
    }
    EXPECT_TRUE(control_.stop(RunState::kInternalError));
    EXPECT_EQ(first_.runs(), 1);
}

TEST_F(VmControlTest, function_runs_under_the_lock_with_vcpus_paused) {
    ASSERT_TRUE(control_.start());
    first_.wait_for_runs(1);
    bool held = false;
    control_.with_vcpus_paused([&] {
        held = lock_.held();
        first_.halted_ = true;
    });
    EXPECT_TRUE(held);
    EXPECT_TRUE(control_.running());
    EXPECT_EQ(journal_.text, "prelaunch>running ");
    first_.wait_for_waits(1);
}

TEST_F(VmControlTest, refusing_vcpu_is_an_error) {
    FakeVcpu refusing;
    refusing.refuse_ = true;
    auto result = control_.add_vcpu(refusing);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), "no such processor");
}

TEST_F(VmControlTest, shut_down_joins_and_forbids_a_start) {
    ASSERT_TRUE(control_.start());
    control_.shut_down();
    control_.shut_down();
    EXPECT_TRUE(first_.ended_);
    EXPECT_FALSE(clock_.running());
    EXPECT_TRUE(control_.stop(RunState::kPaused));
    EXPECT_FALSE(control_.start());
}

TEST_F(VmControlTest, observer_that_was_removed_hears_nothing) {
    control_.remove_observer(journal_);
    ASSERT_TRUE(control_.start());
    EXPECT_EQ(journal_.text, "");
}

TEST_F(VmControlTest, two_threads_that_stop_and_start_do_not_hang) {
    auto work = [this] {
        for (int i = 0; i < 500; ++i) {
            EXPECT_TRUE(control_.start());
            EXPECT_TRUE(control_.stop(RunState::kPaused));
        }
    };
    std::thread other(work);
    work();
    other.join();
    EXPECT_EQ(control_.state(), RunState::kPaused);
}

}  // namespace
}  // namespace qc::runstate
