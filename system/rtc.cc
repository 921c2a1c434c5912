// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/rtc.h"

#include <array>
#include <charconv>
#include <ctime>
#include <optional>
#include <string_view>

#include "hw/rtc/calendar.h"
#include "util/option_string.h"

namespace qc::system {

namespace {

// The decimal number before `end`, or before the end of the text; both are taken off.
std::optional<unsigned> take_number(std::string_view& text, char end) {
    unsigned number = 0;
    const char* const last = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || number > 9999) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(rest - text.data()));
    if (end == '\0') return text.empty() ? std::optional(number) : std::nullopt;
    if (!text.starts_with(end)) return std::nullopt;
    text.remove_prefix(1);
    return number;
}

bool is_time(const std::array<unsigned, 6>& parts) {
    const auto& [year, month, day, hour, minute, second] = parts;
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 &&
           minute < 60 && second < 60;
}

Result<int64_t> parse_date(std::string_view text) {
    const bool with_time = text.find('T') != std::string_view::npos;
    const std::string_view ends =
        with_time ? std::string_view("--T::\0", 6) : std::string_view("--\0", 3);
    std::array<unsigned, 6> parts{};
    bool good = true;
    for (size_t i = 0; i < ends.size() && good; ++i) {
        const auto number = take_number(text, ends[i]);
        good = number.has_value();
        parts[i] = number.value_or(0);
    }
    if (!good || !is_time(parts)) {
        return Failure(Error("invalid datetime format")
                           .set_hint("valid formats: '2006-06-17T16:01:21' or '2006-06-17'"));
    }
    return hw::seconds_since_1970({.year = parts[0],
                                   .month = parts[1],
                                   .day = parts[2],
                                   .hour = parts[3],
                                   .minute = parts[4],
                                   .second = parts[5]});
}

Result<void> take_clock(OptionString& options, RtcOptions& rtc) {
    const auto clock = options.take("clock");
    if (!clock) return {};
    // The host's monotonic clock means nothing on another host.
    if (*clock == "rt") return fail("clock=rt is not supported by this version");
    if (*clock != "host" && *clock != "vm") return fail("invalid option value '{}'", *clock);
    rtc.on_guest_time = *clock == "vm";
    return {};
}

}  // namespace

Result<RtcOptions> parse_rtc(const std::string& value) {
    auto options = TRY(OptionString::parse(value, ""));
    RtcOptions rtc;
    if (const auto base = options.take("base"); base == "localtime") {
        rtc.base = RtcOptions::Base::kLocalTime;
    } else if (base && *base != "utc") {
        rtc.base = RtcOptions::Base::kDate;
        rtc.date_s = TRY(parse_date(*base));
    }
    TRY(take_clock(options, rtc));
    if (const auto fix = options.take("driftfix")) {
        if (*fix == "slew") return fail("driftfix=slew is not supported by this version");
        if (*fix != "none") return fail("invalid option value '{}'", *fix);
    }
    TRY(options.expect_empty());
    return rtc;
}

int64_t rtc_offset_s(const RtcOptions& options) {
    const time_t now = std::time(nullptr);
    int64_t base = now;
    if (options.base == RtcOptions::Base::kLocalTime) {
        tm local{};
        localtime_r(&now, &local);
        base += local.tm_gmtoff;
    } else if (options.base == RtcOptions::Base::kDate) {
        base = options.date_s;
    }
    return options.on_guest_time ? base : base - now;
}

}  // namespace qc::system
