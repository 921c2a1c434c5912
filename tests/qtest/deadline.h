// SPDX-License-Identifier: GPL-2.0-or-later
//
// A moment after which a test stops waiting. Every wait of the harness takes
// one, so that a test which hangs says where. QTEST_TIME_SCALE in the environment
// makes all of them so many times longer, for slow machines.
//
// Threading: plain values.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace qc::qtest {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

inline int time_scale() {
    static const int scale = [] {
        const char* text = std::getenv("QTEST_TIME_SCALE");
        return std::max(1, text ? std::atoi(text) : 1);
    }();
    return scale;
}

class Deadline {
 public:
    using Clock = std::chrono::steady_clock;

    static Deadline in(Clock::duration duration) {
        return Deadline(Clock::now() + duration * time_scale());
    }

    bool passed() const { return Clock::now() >= moment_; }

    // For poll(2): what remains, at least 0, rounded up.
    int remaining_ms() const {
        auto remaining = std::chrono::ceil<std::chrono::milliseconds>(moment_ - Clock::now());
        return std::max(0, static_cast<int>(remaining.count()));
    }

 private:
    explicit Deadline(Clock::time_point moment) : moment_(moment) {}

    Clock::time_point moment_;
};

// What an operation may take that is not slow by nature; generous, because
// sanitizers and a loaded machine are slow too.
inline constexpr auto kUsual = std::chrono::seconds(60);

}  // namespace qc::qtest
