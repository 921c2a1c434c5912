// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/mux_chardev.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "chardev/fake_chardev.h"
#include "chardev/test_frontend.h"

namespace qc::chardev {
namespace {

class MuxTest : public testing::Test {
 protected:
    void SetUp() override {
        mux_ = *MuxChardev::create(*loop_, "m", terminal_,
                                   {.quit = [this] { ++quits_; }, .commit = nullptr});
        terminal_.open();
        first_ = *ChardevClaim::claim(*mux_);
        second_ = *ChardevClaim::claim(*mux_);
        first_.attach(one_);
        second_.attach(two_);
        for (int i = 0; i < 3; ++i)
            loop_->run_once(0);
        EXPECT_EQ(one_.heard, "<open>");
        EXPECT_EQ(two_.heard, "<no focus><open>");
        one_.heard.clear();
        two_.heard.clear();
    }

    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
    FakeChardev terminal_;
    int quits_ = 0;
    TestFrontend one_, two_;
    std::unique_ptr<MuxChardev> mux_;
    ChardevClaim first_, second_;
};

TEST_F(MuxTest, input_goes_to_the_front_end_in_focus) {
    terminal_.type(
        "a\x01"
        "cb\x01"
        "cc");
    EXPECT_EQ(one_.heard, "a<no focus><focus>c");
    EXPECT_EQ(two_.heard, "<focus>b<no focus>");
}

TEST_F(MuxTest, escape_twice_is_one_and_unknown_keys_are_ignored) {
    terminal_.type("\x01\x01\x01qx");
    EXPECT_EQ(one_.heard, "\x01x");
}

TEST_F(MuxTest, break_goes_to_the_focus_only) {
    terminal_.type(
        "\x01"
        "b");
    EXPECT_EQ(one_.heard, "<break>");
    mux_->send_break();
    EXPECT_EQ(one_.heard, "<break><break>");
    EXPECT_EQ(two_.heard, "");
}

TEST_F(MuxTest, quit_and_help_are_heard_by_the_multiplexer) {
    terminal_.type("\x01h\x01?\x01s\x01x");
    EXPECT_EQ(quits_, 1);
    EXPECT_NE(terminal_.output.find("C-a c "), std::string::npos);
    EXPECT_NE(terminal_.output.find("cannot write a snapshot's changes"), std::string::npos);
    EXPECT_NE(terminal_.output.find("QEMU: Terminated"), std::string::npos);
    EXPECT_EQ(one_.heard, "");
}

TEST_F(MuxTest, full_front_end_does_not_keep_commands_out) {
    one_.room = 0;
    terminal_.type(
        "abc\x01"
        "cd");
    EXPECT_EQ(two_.heard, "<focus>d");
    EXPECT_EQ(one_.heard, "<no focus>");
    one_.room = 10;
    first_.accept_input();
    loop_->run_once(0);
    EXPECT_EQ(one_.heard, "<no focus>abc");
    EXPECT_EQ(mux_->counters().bytes_dropped, 0u);
}

TEST_F(MuxTest, input_beyond_the_limit_is_dropped_and_counted) {
    one_.room = 0;
    const size_t taken = terminal_.type(std::string(MuxChardev::kInputLimit + 5, 'x'));
    EXPECT_EQ(taken - mux_->counters().bytes_dropped, MuxChardev::kInputLimit);
}

TEST_F(MuxTest, both_write_and_hear_of_room_after_a_short_write) {
    terminal_.room = 3;
    EXPECT_EQ(first_.write(text("ab")), 2u);
    EXPECT_EQ(second_.write(text("cd")), 1u);
    terminal_.make_room(100);
    EXPECT_EQ(two_.heard, "<writable>");
    EXPECT_EQ(terminal_.output, "abc");
}

TEST_F(MuxTest, time_stamps_begin_lines) {
    terminal_.type("\x01t");
    first_.write(text("a\nb"));
    second_.write(text("c\n"));
    EXPECT_EQ(std::ranges::count(terminal_.output, '['), 2);
    EXPECT_TRUE(terminal_.output.starts_with("["));
    terminal_.type("\x01t");
    terminal_.output.clear();
    first_.write(text("d\n"));
    EXPECT_EQ(terminal_.output, "d\n");
}

TEST_F(MuxTest, time_stamp_without_room_comes_later_and_once) {
    terminal_.type("\x01t");
    terminal_.room = 4;
    EXPECT_EQ(first_.write(text("a\n")), 0u);
    terminal_.make_room(100);
    EXPECT_EQ(first_.write(text("a\n")), 2u);
    EXPECT_EQ(std::ranges::count(terminal_.output, '['), 1);
    EXPECT_TRUE(terminal_.output.ends_with("] a\n"));
}

TEST_F(MuxTest, connection_of_the_base_is_everybodys) {
    terminal_.close();
    terminal_.open();
    EXPECT_EQ(one_.heard, "<close><open>");
    EXPECT_EQ(two_.heard, "<close><open>");
}

TEST_F(MuxTest, four_uses_are_the_limit_and_a_free_one_is_used_again) {
    ChardevClaim third = *ChardevClaim::claim(*mux_);
    ChardevClaim fourth = *ChardevClaim::claim(*mux_);
    EXPECT_EQ(ChardevClaim::claim(*mux_).error().message(),
              "too many uses of multiplexed chardev 'm' (maximum is 4)");
    third = ChardevClaim();
    EXPECT_TRUE(ChardevClaim::claim(*mux_));
    EXPECT_TRUE(mux_->claimed());
}

}  // namespace
}  // namespace qc::chardev
