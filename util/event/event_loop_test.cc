// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/event/event_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "util/machine_lock.h"
#include "util/thread.h"
#include "util/unique_fd.h"

namespace qc {
namespace {

class EventLoopTest : public testing::Test {
 protected:
    void SetUp() override {
        int ends[2];
        ASSERT_EQ(pipe(ends), 0);
        read_end_.reset(ends[0]);
        write_end_.reset(ends[1]);
    }
    void fill() { ASSERT_EQ(write(write_end_.get(), "x", 1), 1); }
    void empty() {
        char byte;
        ASSERT_EQ(read(read_end_.get(), &byte, 1), 1);
    }

    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
    UniqueFd read_end_, write_end_;
    std::string ran_;
};

TEST_F(EventLoopTest, posted_functions_run_in_order) {
    loop_->post([&] { ran_ += 'a'; });
    loop_->post([&] { ran_ += 'b'; });
    loop_->run_once(0);
    EXPECT_EQ(ran_, "ab");
}

TEST_F(EventLoopTest, function_posted_by_a_posted_one_runs_next_time) {
    loop_->post([&] {
        ran_ += 'a';
        loop_->post([&] { ran_ += 'b'; });
    });
    loop_->run_once(0);
    EXPECT_EQ(ran_, "a");
    loop_->run_once(0);
    EXPECT_EQ(ran_, "ab");
}

TEST_F(EventLoopTest, functions_left_at_destruction_are_dropped) {
    auto token = std::make_shared<int>(0);
    loop_->post([&, token] { ran_ += 'a'; });
    EXPECT_EQ(token.use_count(), 2);
    loop_.reset();
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_EQ(ran_, "");
}

TEST_F(EventLoopTest, quit_before_run_is_not_lost) {
    loop_->quit();
    loop_->run();
    loop_->post([&] { loop_->quit(); });
    loop_->run();
}

TEST_F(EventLoopTest, post_from_another_thread_wakes_the_loop) {
    Thread poster("poster", [&] {
        loop_->post([&] {
            EXPECT_TRUE(loop_->is_current());
            loop_->quit();
        });
        EXPECT_FALSE(loop_->is_current());
    });
    loop_->run();
    poster.join();
}

TEST_F(EventLoopTest, readable_descriptor_calls_back_until_emptied) {
    EventLoop::Watch watch =
        loop_->watch_fd(read_end_.get(), FdEvents::kRead, [&] { ran_ += 'r'; });
    loop_->run_once(0);
    EXPECT_EQ(ran_, "");
    fill();
    loop_->run_once(0);
    loop_->run_once(0);
    EXPECT_EQ(ran_, "rr");
    empty();
    loop_->run_once(0);
    EXPECT_EQ(ran_, "rr");
}

TEST_F(EventLoopTest, hang_up_counts_as_readable) {
    EventLoop::Watch watch =
        loop_->watch_fd(read_end_.get(), FdEvents::kRead, [&] { ran_ += 'r'; });
    write_end_.reset();
    loop_->run_once(0);
    EXPECT_EQ(ran_, "r");
}

TEST_F(EventLoopTest, lost_reader_counts_as_writable) {
    EventLoop::Watch watch =
        loop_->watch_fd(write_end_.get(), FdEvents::kWrite, [&] { ran_ += 'w'; });
    read_end_.reset();
    loop_->run_once(0);
    EXPECT_EQ(ran_, "w");
}

TEST_F(EventLoopTest, watch_destroyed_inside_its_callback_ends) {
    EventLoop::Watch watch;
    const std::string text = "captured text that does not fit into the small buffer";
    watch = loop_->watch_fd(read_end_.get(), FdEvents::kRead, [&, text] {
        watch = {};
        ran_ += text;
    });
    fill();
    loop_->run_once(0);
    loop_->run_once(0);
    EXPECT_EQ(ran_, text);
    EXPECT_FALSE(watch);
}

TEST_F(EventLoopTest, watch_that_outlives_the_loop_is_harmless) {
    EventLoop::Watch watch =
        loop_->watch_fd(read_end_.get(), FdEvents::kRead, [&] { ran_ += 'r'; });
    loop_.reset();
    watch = {};
    EXPECT_EQ(ran_, "");
}

TEST_F(EventLoopTest, after_ms_runs_once) {
    EventLoop::Watch watch = loop_->after_ms(0, [&] { ran_ += 'a'; });
    loop_->run_once(1000);
    loop_->run_once(0);
    EXPECT_EQ(ran_, "a");
}

TEST_F(EventLoopTest, every_ms_runs_until_destroyed) {
    EventLoop::Watch watch;
    watch = loop_->every_ms(0, [&] {
        ran_ += 'a';
        if (ran_ == "aaa") watch = {};
    });
    for (int i = 0; i < 5; ++i)
        loop_->run_once(0);
    EXPECT_EQ(ran_, "aaa");
}

class TimerDriverTest : public EventLoopTest {
 protected:
    MachineLock lock_;
    FakeClock clock_;
    TimerQueue queue_{clock_};
    std::unique_ptr<EventLoop::TimerDriver> driver_ = *loop_->drive_timers(queue_, lock_);
};

TEST_F(TimerDriverTest, due_timer_runs_under_the_machine_lock) {
    Timer timer(queue_, [&] {
        lock_.assert_held();
        loop_->quit();
    });
    {
        MachineLockGuard guard(lock_);
        timer.arm_at_ns(0);
    }
    loop_->run();
}

TEST_F(TimerDriverTest, clock_moved_by_hand_needs_a_reschedule) {
    Timer timer(queue_, [&] { loop_->quit(); });
    {
        MachineLockGuard guard(lock_);
        timer.arm_at_ns(TimerQueue::kNever - 1);
    }
    loop_->run_once(5);
    clock_.advance_ns(TimerQueue::kNever - 1);
    driver_->reschedule();
    loop_->run();
}

TEST_F(EventLoopTest, clock_that_stands_still_is_not_asked_again_and_again) {
    struct StandingClock final : public Clock {
        int64_t now_ns() const override {
            ++reads;
            return 0;
        }
        mutable int reads = 0;
    };
    MachineLock lock;
    StandingClock clock;
    TimerQueue queue(clock);
    auto driver = *loop_->drive_timers(queue, lock);
    Timer timer(queue, [] {});
    {
        MachineLockGuard guard(lock);
        timer.arm_at_ns(1000);
    }
    for (int i = 0; i < 5; ++i)
        loop_->run_once(5);
    const int reads = clock.reads;
    for (int i = 0; i < 5; ++i)
        loop_->run_once(5);
    EXPECT_EQ(clock.reads, reads);
}

TEST_F(TimerDriverTest, disabled_driver_runs_nothing_until_enabled) {
    driver_->set_enabled(false);
    Timer timer(queue_, [&] { ran_ += 't'; });
    {
        MachineLockGuard guard(lock_);
        timer.arm_at_ns(0);
    }
    for (int i = 0; i < 5; ++i)
        loop_->run_once(1);
    EXPECT_EQ(ran_, "");
    driver_->set_enabled(true);
    while (ran_.empty())
        loop_->run_once(1000);
    EXPECT_EQ(ran_, "t");
}

TEST_F(TimerDriverTest, timer_armed_from_another_thread_wakes_the_loop) {
    Timer timer(queue_, [&] { loop_->quit(); });
    Thread vcpu("vcpu", [&] {
        MachineLockGuard guard(lock_);
        timer.arm_at_ns(0);
    });
    loop_->run();
    vcpu.join();
}

}  // namespace
}  // namespace qc
