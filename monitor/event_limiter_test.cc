// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/event_limiter.h"

#include <gtest/gtest.h>

namespace qc::monitor {
namespace {

using Verdict = EventLimiter::Verdict;
using Lines = std::vector<qapi::Object>;
constexpr int64_t kSecond = EventLimiter::kIntervalNs;

std::optional<qapi::Object> with(std::string_view name, std::string_view value) {
    qapi::Object data;
    data.set(name, value);
    return data;
}

qapi::Object event(std::string_view text) {
    return *with("event", text);
}

TEST(EventLimiterTest, what_a_guest_can_repeat_is_limited) {
    for (const char* name : {"RTC_CHANGE", "WATCHDOG", "BALLOON_CHANGE", "QUORUM_FAILURE"})
        EXPECT_TRUE(EventLimiter::is_limited(name)) << name;
    for (const char* name : {"STOP", "RESUME", "RESET", "MIGRATION", "COLO_EXIT"})
        EXPECT_FALSE(EventLimiter::is_limited(name)) << name;
}

TEST(EventLimiterTest, first_is_sent_and_the_last_of_its_second_at_the_end) {
    EventLimiter limiter;
    EXPECT_EQ(limiter.next_deadline_ns(), EventLimiter::kNever);
    EXPECT_EQ(limiter.offer("RTC_CHANGE", {}, event("1"), 5), Verdict::kSend);
    EXPECT_EQ(limiter.offer("RTC_CHANGE", {}, event("2"), 6), Verdict::kKept);
    EXPECT_EQ(limiter.offer("RTC_CHANGE", {}, event("3"), 7), Verdict::kKept);
    EXPECT_EQ(limiter.next_deadline_ns(), 5 + kSecond);
    EXPECT_EQ(limiter.expire(4 + kSecond), Lines{});
    EXPECT_EQ(limiter.expire(5 + kSecond), Lines{event("3")});
    // The next second has begun.
    EXPECT_EQ(limiter.offer("RTC_CHANGE", {}, event("4"), 6 + kSecond), Verdict::kKept);
    EXPECT_EQ(limiter.expire(5 + 2 * kSecond), Lines{event("4")});
    EXPECT_EQ(limiter.expire(5 + 3 * kSecond), Lines{});
    EXPECT_EQ(limiter.next_deadline_ns(), EventLimiter::kNever);
    EXPECT_EQ(limiter.offer("RTC_CHANGE", {}, event("5"), 6 + 3 * kSecond), Verdict::kSend);
}

TEST(EventLimiterTest, sources_do_not_hold_up_each_other) {
    EventLimiter limiter;
    EXPECT_EQ(limiter.offer("QUORUM_REPORT_BAD", with("node-name", "a"), event("a"), 0),
              Verdict::kSend);
    EXPECT_EQ(limiter.offer("QUORUM_REPORT_BAD", with("node-name", "b"), event("b"), 1),
              Verdict::kSend);
    EXPECT_EQ(limiter.offer("QUORUM_REPORT_BAD", with("node-name", "b"), event("b2"), 2),
              Verdict::kKept);
    EXPECT_EQ(limiter.offer("QUORUM_REPORT_BAD", with("node-name", "a"), event("a2"), 3),
              Verdict::kKept);
    // A member of another kind than it should be is no reason to fall.
    EXPECT_EQ(limiter.offer("VSERPORT_CHANGE", qapi::Object(), event("p"), 4), Verdict::kSend);
    EXPECT_EQ(limiter.expire(1 + kSecond), (Lines{event("a2"), event("b2")}));
}

}  // namespace
}  // namespace qc::monitor
