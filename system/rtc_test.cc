// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/rtc.h"

#include <gtest/gtest.h>

namespace qc::system {
namespace {

std::string refusal(const std::string& value) {
    const auto rtc = parse_rtc(value);
    EXPECT_FALSE(rtc) << value;
    return rtc ? "" : rtc.error().message();
}

TEST(Rtc, date_is_where_the_calendar_begins) {
    EXPECT_EQ(parse_rtc("base=1970-01-02")->date_s, 86400);
    EXPECT_EQ(parse_rtc("base=2006-06-17T16:01:21")->date_s, 1150560081);
    const RtcOptions rtc = *parse_rtc("base=2006-06-17,clock=vm");
    EXPECT_TRUE(rtc.on_guest_time);
    EXPECT_EQ(rtc_offset_s(rtc), 1150502400);
}

TEST(Rtc, universal_time_is_the_host_s_clock_as_it_is) {
    EXPECT_EQ(rtc_offset_s(*parse_rtc("base=utc,clock=host,driftfix=none")), 0);
    EXPECT_FALSE(parse_rtc("")->on_guest_time);
}

TEST(Rtc, what_is_no_date_or_not_there_is_refused) {
    for (const char* date : {"x", "2006", "2006-06", "2006-13-01", "2006-06-17T", "2006-06-17T1:2",
                             "2006-06-17T24:00:00", "-1-1-1", "2006-06-17 ", "0-1-1"}) {
        EXPECT_EQ(refusal(std::string("base=") + date), "invalid datetime format") << date;
    }
    EXPECT_EQ(refusal("clock=x"), "invalid option value 'x'");
    EXPECT_EQ(refusal("driftfix=x"), "invalid option value 'x'");
    EXPECT_NE(refusal("clock=rt").find("clock=rt"), std::string::npos);
    EXPECT_NE(refusal("driftfix=slew").find("driftfix=slew"), std::string::npos);
    EXPECT_EQ(refusal("utc"), "Invalid parameter 'utc'");
}

}  // namespace
}  // namespace qc::system
