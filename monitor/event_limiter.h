// SPDX-License-Identifier: GPL-2.0-or-later
//
// Events that a guest can cause as often as it likes: of each, at most one a second goes
// to the clients. The first is sent at once; of those that come in the second behind it,
// the last one is kept and sent at its end, where the next second begins.
//
//          offer: sent                    expire: sent
//   quiet -----------> limited --offer--> kept --------> limited
//     ^                   |                 ^ |
//     +-----expire--------+                 +-+ offer: replaces what is kept
//
// Threading: caller locks. Owned by Monitor.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qapi/value.h"

namespace qc::monitor {

class EventLimiter {
 public:
    static constexpr int64_t kIntervalNs = 1'000'000'000;
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

    static bool is_limited(std::string_view name);

    enum class Verdict : uint8_t { kSend, kKept };
    // Of an event that is limited; `message` is what clients get.
    Verdict offer(std::string_view name, const std::optional<qapi::Object>& data,
                  const qapi::Object& message, int64_t now_ns);

    // What is to be sent now, in the order in which the seconds end.
    std::vector<qapi::Object> expire(int64_t now_ns);
    int64_t next_deadline_ns() const;

 private:
    // A name and what tells its sources apart: a guest may have several.
    using Key = std::pair<std::string, std::string>;
    struct Interval {
        int64_t end_ns;
        std::optional<qapi::Object> kept;
    };
    std::map<Key, Interval> intervals_;
};

}  // namespace qc::monitor
