// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/event_limiter.h"

#include <algorithm>

namespace qc::monitor {

namespace {

struct Limited {
    std::string_view name;
    // The member of the data that says whose event it is; empty: one source.
    std::string_view source = {};
};

// As QEMU has them.
constexpr Limited kLimited[] = {
    {.name = "BALLOON_CHANGE"}, {.name = "MEMORY_DEVICE_SIZE_CHANGE", .source = "qom-path"},
    {.name = "QUORUM_FAILURE"}, {.name = "QUORUM_REPORT_BAD", .source = "node-name"},
    {.name = "RTC_CHANGE"},     {.name = "VSERPORT_CHANGE", .source = "id"},
    {.name = "WATCHDOG"},
};

const Limited* find_limited(std::string_view name) {
    const auto* const found = std::ranges::find(kLimited, name, &Limited::name);
    return found == std::end(kLimited) ? nullptr : found;
}

std::string source_of(const Limited& limited, const std::optional<qapi::Object>& data) {
    if (limited.source.empty() || !data) return {};
    const qapi::Value* const member = data->find(limited.source);
    const std::string* const text = member == nullptr ? nullptr : member->as_string();
    return text == nullptr ? std::string() : *text;
}

}  // namespace

bool EventLimiter::is_limited(std::string_view name) {
    return find_limited(name) != nullptr;
}

EventLimiter::Verdict EventLimiter::offer(std::string_view name,
                                          const std::optional<qapi::Object>& data,
                                          const qapi::Object& message, int64_t now_ns) {
    Key key(name, source_of(*find_limited(name), data));
    const auto [at, added] =
        intervals_.try_emplace(std::move(key), Interval{now_ns + kIntervalNs, std::nullopt});
    if (added) return Verdict::kSend;
    at->second.kept = message;
    return Verdict::kKept;
}

std::vector<qapi::Object> EventLimiter::expire(int64_t now_ns) {
    using Due = std::pair<int64_t, qapi::Object>;
    std::vector<Due> due;
    for (auto at = intervals_.begin(); at != intervals_.end();) {
        Interval& interval = at->second;
        if (interval.end_ns > now_ns) {
            ++at;
        } else if (interval.kept) {
            due.emplace_back(interval.end_ns, *std::exchange(interval.kept, std::nullopt));
            interval.end_ns = now_ns + kIntervalNs;
            ++at;
        } else {
            at = intervals_.erase(at);
        }
    }
    std::ranges::sort(due, {}, &Due::first);
    std::vector<qapi::Object> messages;
    for (auto& [end, message] : due)
        messages.push_back(std::move(message));
    return messages;
}

int64_t EventLimiter::next_deadline_ns() const {
    int64_t next = kNever;
    for (const auto& [key, interval] : intervals_)
        next = std::min(next, interval.end_ns);
    return next;
}

}  // namespace qc::monitor
