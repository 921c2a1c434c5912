// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/rtc/calendar.h"

#include <array>

namespace qc::hw {

namespace {

constexpr int64_t kSecondsPerDay = 86400;
// The first day of each month in a year that begins with March, so that the leap
// day is the year's last.
constexpr std::array<unsigned, 12> kMonthStart = {0,   31,  61,  92,  122, 153,
                                                  184, 214, 245, 275, 306, 337};

constexpr int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

// Days from 1 March of year 0 to 1 March of `year`.
constexpr int64_t days_before_march(int64_t year) {
    return year * 365 + floor_div(year, 4) - floor_div(year, 100) + floor_div(year, 400);
}

constexpr int64_t kEpochDays = days_before_march(1969) + 306;

}  // namespace

int64_t seconds_since_1970(const CalendarTime& time) {
    const int64_t year = time.month < 3 ? time.year - 1 : time.year;
    const unsigned month = (time.month + 9) % 12;
    const int64_t days = days_before_march(year) + kMonthStart[month] + time.day - 1 - kEpochDays;
    return days * kSecondsPerDay + time.hour * int64_t{3600} + time.minute * int64_t{60} +
           time.second;
}

CalendarTime calendar_time(int64_t seconds_since_1970) {
    const int64_t epoch_day = floor_div(seconds_since_1970, kSecondsPerDay);
    const auto second = static_cast<unsigned>(seconds_since_1970 - epoch_day * kSecondsPerDay);
    const int64_t day = epoch_day + kEpochDays;

    // The estimate is at most one year too late.
    int64_t year = floor_div(day * 400, 146097);
    if (days_before_march(year) > day) --year;
    if (days_before_march(year + 1) <= day) ++year;
    const auto day_of_year = static_cast<unsigned>(day - days_before_march(year));
    unsigned month = 11;
    while (kMonthStart[month] > day_of_year)
        --month;

    CalendarTime time;
    time.month = (month + 2) % 12 + 1;
    time.year = time.month < 3 ? year + 1 : year;
    time.day = day_of_year - kMonthStart[month] + 1;
    time.hour = second / 3600;
    time.minute = second / 60 % 60;
    time.second = second % 60;
    time.weekday = static_cast<unsigned>(((epoch_day + 4) % 7 + 7) % 7);
    return time;
}

}  // namespace qc::hw
