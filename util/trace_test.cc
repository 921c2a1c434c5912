// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/trace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "util/trace_test_events.h"

namespace qc::trace {
namespace {

class TraceTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(registry_.set_file(path_)); }
    void TearDown() override { unlink(path_.c_str()); }

    std::string written() const {
        std::stringstream text;
        text << std::ifstream(path_).rdbuf();
        return text.str();
    }

    const std::string path_ =
        testing::TempDir() + "trace_test." + std::to_string(getpid()) + ".log";
    const std::array<TraceGroup, 1> groups_ = {TraceGroup(groups::util_trace_test)};
    TraceRegistry registry_{groups_};
};

TEST_F(TraceTest, events_are_off_at_first) {
    test_plain();
    test_numbers(1, 2, 3);
    EXPECT_EQ(written(), "");
}

// The line with every digit of thread and time turned into a 0.
std::string without_numbers(std::string line) {
    for (size_t i = 0; i < line.size() && line[i] != ':'; ++i) {
        if (line[i] >= '0' && line[i] <= '9') line[i] = '0';
    }
    return line;
}

TEST_F(TraceTest, enabled_event_writes_one_line_with_thread_and_time) {
    ASSERT_TRUE(registry_.apply_option("test_numbers"));
    test_plain();
    test_numbers(10, -5, UINT64_MAX);
    const std::string thread(std::to_string(gettid()).size(), '0');
    EXPECT_EQ(without_numbers(written()),
              thread + "@0000000000.000000:test_numbers 0x0a -5 18446744073709551615\n");
}

TEST_F(TraceTest, glob_switches_on_and_minus_off) {
    EXPECT_EQ(registry_.apply_pattern("test_*"), 3u);
    EXPECT_EQ(registry_.apply_pattern("-*s"), 2u);
    test_numbers(1, 2, 3);
    test_texts(true, "x");
    EXPECT_EQ(written(), "");
    test_plain();
    EXPECT_NE(written().find(":test_plain nothing to say\n"), std::string::npos);
}

TEST_F(TraceTest, control_characters_do_not_break_the_line) {
    const std::array<TraceValue, 2> values = {TraceValue(true), TraceValue("a\nb\x1b")};
    EXPECT_EQ(format_event(events::test_texts, values), "a\\x0ab\\x1b: true");
}

TEST_F(TraceTest, events_file_holds_patterns_and_comments) {
    const std::string list = path_ + ".events";
    std::ofstream(list) << "# comment\n\ntest_*\n-test_plain\n";
    ASSERT_TRUE(registry_.apply_option("events=" + list));
    unlink(list.c_str());
    EXPECT_EQ(events::test_plain.sink(), nullptr);
    EXPECT_NE(events::test_texts.sink(), nullptr);
}

TEST_F(TraceTest, pattern_without_match_is_warned_about) {
    testing::internal::CaptureStderr();
    EXPECT_TRUE(registry_.apply_option("enable=no_such*"));
    EXPECT_NE(testing::internal::GetCapturedStderr().find(
                  ": warning: trace event 'no_such*' does not exist\n"),
              std::string::npos);
}

TEST_F(TraceTest, bad_option_or_file_is_refused) {
    EXPECT_EQ(registry_.apply_option("test_plain,bogus=1").error().message(),
              "Invalid parameter 'bogus'");
    EXPECT_FALSE(registry_.apply_option("file=/nonexistent/dir/f"));
    EXPECT_FALSE(registry_.apply_option("events=/nonexistent/f"));
}

TEST_F(TraceTest, registry_lists_every_event) {
    ASSERT_EQ(registry_.events().size(), 3u);
    EXPECT_EQ(registry_.events()[0]->name(), "test_plain");
}

TEST(TraceRegistry, destruction_switches_everything_off) {
    const std::array<TraceGroup, 1> all = {TraceGroup(groups::util_trace_test)};
    {
        TraceRegistry registry(all);
        registry.apply_pattern("*");
        EXPECT_NE(events::test_plain.sink(), nullptr);
    }
    EXPECT_EQ(events::test_plain.sink(), nullptr);
}

}  // namespace
}  // namespace qc::trace
