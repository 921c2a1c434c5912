// SPDX-License-Identifier: GPL-2.0-or-later
//
// The counter of a local APIC: counts down from the initial count at a rate of
// 1 GHz by the divider. Source: Intel SDM vol. 3, "APIC timer".
//
// Threading: caller locks. Owned by LocalApicCore.
#pragma once

#include <cstdint>
#include <limits>

#include "util/result.h"

namespace qc::hw {

// In TSC-deadline mode the counter stands still; LocalApicCore has the deadline.
enum class ApicTimerMode : uint8_t { kOneShot, kPeriodic, kTscDeadline };

class ApicTimer {
 public:
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

    struct State {
        uint32_t initial = 0;
        uint8_t divide = 0;  // the register: bits 0, 1 and 3
        bool running = false;
        int64_t start_ns = 0;

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("initial", s.initial);
            v("divide", s.divide);
            v("running", s.running);
            v("start_ns", s.start_ns);
        }
    };

    void reset() { state_ = {}; }
    // Goes forward to `now_ns`; true if the count reached zero on the way.
    bool advance(int64_t now_ns, ApicTimerMode mode);
    // When it will reach zero; kNever if it stands.
    int64_t next_ns() const;

    // The following are called after advance(now_ns).
    void set_initial(int64_t now_ns, uint32_t count);
    void set_divide(int64_t now_ns, uint8_t value);
    uint32_t initial() const { return state_.initial; }
    uint8_t divide() const { return state_.divide; }
    uint32_t current(int64_t now_ns) const;

    const State& state() const { return state_; }
    static Result<void> validate(const State& state);
    void restore(const State& state) { state_ = state; }

 private:
    int64_t tick_ns() const;
    int64_t period_ns() const { return int64_t{state_.initial} * tick_ns(); }

    State state_;
};

}  // namespace qc::hw
