// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/timer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace qc {
namespace {

class TimerTest : public testing::Test {
 protected:
    FakeClock clock_;
    TimerQueue queue_{clock_};
    std::string ran_;
};

TEST_F(TimerTest, nothing_armed_has_no_deadline) {
    EXPECT_EQ(queue_.next_deadline_ns(), TimerQueue::kNever);
    queue_.run_due();
}

TEST_F(TimerTest, due_timers_run_by_deadline_then_arming_order) {
    Timer a(queue_, [&] { ran_ += 'a'; });
    Timer b(queue_, [&] { ran_ += 'b'; });
    Timer c(queue_, [&] { ran_ += 'c'; });
    Timer d(queue_, [&] { ran_ += 'd'; });
    c.arm_at_ns(20);
    a.arm_at_ns(10);
    b.arm_at_ns(10);
    d.arm_at_ns(21);
    clock_.advance_ns(20);
    queue_.run_due();
    EXPECT_EQ(ran_, "abc");
    EXPECT_FALSE(a.armed());
    EXPECT_TRUE(d.armed());
    EXPECT_EQ(queue_.next_deadline_ns(), 21);
}

TEST_F(TimerTest, cancelled_timer_does_not_run) {
    Timer a(queue_, [&] { ran_ += 'a'; });
    a.arm_at_ns(1);
    a.cancel();
    clock_.advance_ns(5);
    queue_.run_due();
    EXPECT_EQ(ran_, "");
}

TEST_F(TimerTest, timer_cancelled_by_an_earlier_one_does_not_run) {
    Timer b(queue_, [&] { ran_ += 'b'; });
    Timer a(queue_, [&] { b.cancel(); });
    a.arm_at_ns(1);
    b.arm_at_ns(2);
    clock_.advance_ns(5);
    queue_.run_due();
    EXPECT_EQ(ran_, "");
}

TEST_F(TimerTest, rearmed_for_the_past_runs_in_the_next_call) {
    Timer* self = nullptr;
    Timer a(queue_, [&] {
        ran_ += 'a';
        self->arm_at_ns(0);
    });
    self = &a;
    Timer b(queue_, [&] { ran_ += 'b'; });
    a.arm_at_ns(1);
    b.arm_at_ns(2);
    clock_.advance_ns(5);
    queue_.run_due();
    EXPECT_EQ(ran_, "ab");
    queue_.run_due();
    EXPECT_EQ(ran_, "aba");
}

TEST_F(TimerTest, rearming_replaces_the_deadline) {
    Timer a(queue_, [&] { ran_ += 'a'; });
    a.arm_at_ns(1);
    a.arm_at_ns(9);
    EXPECT_EQ(a.deadline_ns(), 9);
    clock_.advance_ns(5);
    queue_.run_due();
    EXPECT_EQ(ran_, "");
    EXPECT_EQ(queue_.next_deadline_ns(), 9);
}

TEST_F(TimerTest, timer_may_be_destroyed_by_its_own_callback) {
    std::unique_ptr<Timer> timer;
    std::string text = "captured text that does not fit into the small buffer";
    timer = std::make_unique<Timer>(queue_, [&, text] {
        timer.reset();
        ran_ = text;
    });
    timer->arm_at_ns(1);
    clock_.advance_ns(1);
    queue_.run_due();
    EXPECT_EQ(ran_, text);
    EXPECT_EQ(queue_.next_deadline_ns(), TimerQueue::kNever);
}

TEST_F(TimerTest, earlier_deadline_is_announced_later_ones_are_not) {
    int announced = 0;
    queue_.on_earlier_deadline([&] { ++announced; });
    Timer a(queue_, [] {});
    Timer b(queue_, [] {});
    a.arm_at_ns(10);
    EXPECT_EQ(announced, 1);
    b.arm_at_ns(20);
    EXPECT_EQ(announced, 1);
    b.arm_at_ns(5);
    EXPECT_EQ(announced, 2);
}

}  // namespace
}  // namespace qc
