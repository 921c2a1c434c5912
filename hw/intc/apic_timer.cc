// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/apic_timer.h"

#include <algorithm>

#include "hw/core/ticks.h"

namespace qc::hw {

namespace {
constexpr uint8_t kDivideWritable = 0x0b;
// A count that goes on at a slower rate has begun, in a manner of speaking, before
// time 0: by less than the longest period.
constexpr int64_t kEarliestStartNs = -(int64_t{1} << 40);
}  // namespace

// The register's value 0 divides by 2, and so on up to 128; 7 divides by 1.
int64_t ApicTimer::tick_ns() const {
    const unsigned code = (state_.divide & 3u) | (state_.divide & 8u) >> 1;
    return int64_t{1} << ((code + 1) & 7);
}

bool ApicTimer::advance(int64_t now_ns, ApicTimerMode mode) {
    if (!state_.running) return false;
    const int64_t elapsed = now_ns - state_.start_ns;
    const int64_t period = period_ns();
    if (elapsed < period) return false;
    if (mode == ApicTimerMode::kOneShot) {
        state_.running = false;
    } else {
        state_.start_ns += elapsed / period * period;
    }
    return true;
}

int64_t ApicTimer::next_ns() const {
    return state_.running ? state_.start_ns + period_ns() : kNever;
}

void ApicTimer::set_initial(int64_t now_ns, uint32_t count) {
    state_.initial = count;
    state_.running = count != 0;
    state_.start_ns = std::clamp<int64_t>(now_ns, 0, kMaxTimeNs);
}

// The count goes on from where it is, at the new rate.
void ApicTimer::set_divide(int64_t now_ns, uint8_t value) {
    const int64_t counted = int64_t{state_.initial} - current(now_ns);
    state_.divide = value & kDivideWritable;
    if (!state_.running) return;
    state_.start_ns = std::clamp(now_ns - counted * tick_ns(), kEarliestStartNs, kMaxTimeNs);
}

uint32_t ApicTimer::current(int64_t now_ns) const {
    if (!state_.running) return 0;
    const int64_t ticks = std::max<int64_t>(now_ns - state_.start_ns, 0) / tick_ns();
    return static_cast<uint32_t>(state_.initial - std::min<int64_t>(ticks, state_.initial));
}

Result<void> ApicTimer::validate(const State& state) {
    if (state.divide & ~kDivideWritable) {
        return fail("APIC timer: no such divider {:#x}", unsigned{state.divide});
    }
    if (state.running && state.initial == 0) return fail("APIC timer: runs without a count");
    if (state.start_ns < kEarliestStartNs || state.start_ns > kMaxTimeNs) {
        return fail("APIC timer: a time is out of range");
    }
    return {};
}

}  // namespace qc::hw
