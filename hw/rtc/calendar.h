// SPDX-License-Identifier: GPL-2.0-or-later
//
// The Gregorian calendar, extended backwards, as arithmetic on day numbers.
// Day 0 is 1 January 1970.
#pragma once

#include <cstdint>

namespace qc::hw {

struct CalendarTime {
    int64_t year = 1970;
    unsigned month = 1;  // 1-12
    unsigned day = 1;    // 1-31
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    unsigned weekday = 4;  // 0 is Sunday
};

// `month` is 1 to 12; any other number of days, hours, minutes or seconds carries over.
int64_t seconds_since_1970(const CalendarTime& time);
CalendarTime calendar_time(int64_t seconds_since_1970);

}  // namespace qc::hw
