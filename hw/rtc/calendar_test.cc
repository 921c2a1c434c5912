// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/rtc/calendar.h"

#include <gtest/gtest.h>

#include <ctime>

namespace qc::hw {
namespace {

// The C library is the oracle, from year 1 to 9999 in uneven steps.
TEST(Calendar, agrees_with_gmtime_both_ways) {
    for (int64_t seconds = -62'000'000'000; seconds < 253'000'000'000; seconds += 12'345'679) {
        const std::time_t given = seconds;
        std::tm expected{};
        ASSERT_NE(gmtime_r(&given, &expected), nullptr);
        const CalendarTime time = calendar_time(seconds);
        ASSERT_EQ(time.year, expected.tm_year + 1900) << seconds;
        ASSERT_EQ(time.month, static_cast<unsigned>(expected.tm_mon + 1)) << seconds;
        ASSERT_EQ(time.day, static_cast<unsigned>(expected.tm_mday)) << seconds;
        ASSERT_EQ(time.hour, static_cast<unsigned>(expected.tm_hour)) << seconds;
        ASSERT_EQ(time.minute, static_cast<unsigned>(expected.tm_min)) << seconds;
        ASSERT_EQ(time.second, static_cast<unsigned>(expected.tm_sec)) << seconds;
        ASSERT_EQ(time.weekday, static_cast<unsigned>(expected.tm_wday)) << seconds;
        ASSERT_EQ(seconds_since_1970(time), seconds);
    }
}

TEST(Calendar, leap_days_exist_only_in_leap_years) {
    for (auto [year, leap] : {std::pair{1900, false}, {2000, true}, {2023, false}, {2024, true}}) {
        const CalendarTime time =
            calendar_time(seconds_since_1970({.year = year, .month = 2, .day = 28}) + 86400);
        EXPECT_EQ(time.day, leap ? 29u : 1u) << year;
    }
}

TEST(Calendar, surplus_days_carry_over) {
    EXPECT_EQ(seconds_since_1970({.year = 2023, .month = 2, .day = 31}),
              seconds_since_1970({.year = 2023, .month = 3, .day = 3}));
}

}  // namespace
}  // namespace qc::hw
