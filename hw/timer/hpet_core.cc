// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/hpet_core.h"

#include <algorithm>
#include <utility>

#include "hw/core/ticks.h"

namespace qc::hw {

namespace {

constexpr int64_t kNsPerTick = HpetCore::kPeriodFs / 1'000'000;

// Registers.
constexpr unsigned kId = 0x000;
constexpr unsigned kConfiguration = 0x010;
constexpr unsigned kStatus = 0x020;
constexpr unsigned kCounter = 0x0f0;
constexpr unsigned kFirstTimer = 0x100;
constexpr unsigned kTimerSize = 0x20;
constexpr unsigned kTimerConfiguration = 0x00;
constexpr unsigned kTimerComparator = 0x08;

constexpr uint64_t kEnable = 1u << 0;
constexpr uint64_t kLegacy = 1u << 1;

constexpr uint64_t kLevel = 1u << 1;
constexpr uint64_t kInterrupt = 1u << 2;
constexpr uint64_t kPeriodic = 1u << 3;
constexpr uint64_t kCapable = 3u << 4;  // of periods, of 64 bits
constexpr uint64_t kSetValue = 1u << 6;
constexpr uint64_t k32Bit = 1u << 8;
constexpr unsigned kRouteShift = 9;
constexpr uint64_t kRoute = 31u << kRouteShift;
constexpr uint64_t kWritable = kLevel | kInterrupt | kPeriodic | kSetValue | k32Bit | kRoute;

constexpr uint64_t kSlowestMerged = 500'000 / kNsPerTick;
constexpr uint64_t kMostLateTicks = 64;

constexpr unsigned kPitInput = 2;
constexpr unsigned kClockInput = 8;

}  // namespace

void HpetCore::reset() {
    state_ = {};
    for (HpetTimerState& timer : state_.timers)
        timer.comparator = ~uint64_t{0};
    pulses_ = 0;
    late_ticks_ = 0;
}

bool HpetCore::enabled() const {
    return (state_.configuration & kEnable) != 0;
}

bool HpetCore::legacy_replacement() const {
    return (state_.configuration & kLegacy) != 0;
}

uint64_t HpetCore::counter(int64_t now_ns) const {
    if (!enabled()) return state_.counter;
    const int64_t elapsed = std::max<int64_t>(now_ns - state_.started_ns, 0);
    return state_.counter + static_cast<uint64_t>(elapsed / kNsPerTick);
}

uint64_t HpetCore::width(const HpetTimerState& timer) const {
    return (timer.configuration & k32Bit) != 0 ? 0xffffffff : ~uint64_t{0};
}

std::optional<uint64_t> HpetCore::distance(const HpetTimerState& timer) const {
    const uint64_t mask = width(timer);
    const uint64_t ticks = (timer.comparator - timer.seen) & mask;
    if (ticks != 0) return ticks;
    if (mask == ~uint64_t{0}) return std::nullopt;
    return mask + 1;
}

unsigned HpetCore::input(unsigned index) const {
    if (legacy_replacement() && index < 2) return index == 0 ? kPitInput : kClockInput;
    return state_.timers[index].configuration >> kRouteShift & 31;
}

// A comparator counts from the tick that is: one that equals the counter matches.
void HpetCore::rearm(HpetTimerState& timer, int64_t now_ns) {
    timer.seen = counter(now_ns) - 1;
}

void HpetCore::matched(unsigned index, uint64_t now) {
    HpetTimerState& timer = state_.timers[index];
    uint64_t late = 0;
    if ((timer.configuration & kPeriodic) != 0 && timer.period != 0) {
        const uint64_t passed = (now - timer.comparator) & width(timer);
        const uint64_t periods = passed / timer.period + 1;
        timer.comparator = (timer.comparator + periods * timer.period) & width(timer);
        if (timer.period >= kSlowestMerged) late = std::min(periods - 1, kMostLateTicks);
    }
    if ((timer.configuration & kLevel) != 0) {
        state_.status |= uint64_t{1} << index;
    } else if ((timer.configuration & kInterrupt) != 0) {
        pulses_ |= 1u << input(index);
        if (input(index) == kPitInput) late_ticks_ = static_cast<unsigned>(late);
    }
}

void HpetCore::advance(int64_t now_ns) {
    if (!enabled()) return;
    const uint64_t now = counter(now_ns);
    for (unsigned index = 0; index < kTimers; ++index) {
        HpetTimerState& timer = state_.timers[index];
        const std::optional<uint64_t> ticks = distance(timer);
        if (ticks && now - timer.seen >= *ticks) matched(index, now);
        timer.seen = now;
    }
}

std::optional<int64_t> HpetCore::next_event_ns() const {
    if (!enabled()) return std::nullopt;
    constexpr auto kMaxTicks = static_cast<uint64_t>(kMaxTimeNs / kNsPerTick);
    std::optional<int64_t> next;
    for (unsigned index = 0; index < kTimers; ++index) {
        const HpetTimerState& timer = state_.timers[index];
        const bool held = (timer.configuration & kLevel) != 0 && (state_.status >> index & 1) != 0;
        const std::optional<uint64_t> ticks = distance(timer);
        if ((timer.configuration & kInterrupt) == 0 || held) continue;
        // In no time that matters, or behind the counter.
        if (!ticks || *ticks > kMaxTicks) continue;
        // Since the counter was started.
        const uint64_t at = timer.seen + *ticks - state_.counter;
        if (at > kMaxTicks) continue;
        const int64_t ns =
            std::min(kMaxTimeNs, state_.started_ns + static_cast<int64_t>(at) * kNsPerTick);
        if (!next || ns < *next) next = ns;
    }
    return next;
}

uint32_t HpetCore::levels() const {
    uint32_t inputs = 0;
    if (!enabled()) return 0;
    for (unsigned index = 0; index < kTimers; ++index) {
        constexpr uint64_t kBoth = kLevel | kInterrupt;
        if ((state_.timers[index].configuration & kBoth) != kBoth) continue;
        if ((state_.status >> index & 1) != 0) inputs |= 1u << input(index);
    }
    return inputs;
}

uint32_t HpetCore::take_pulses() {
    return std::exchange(pulses_, 0);
}

unsigned HpetCore::take_late_ticks() {
    return std::exchange(late_ticks_, 0);
}

uint64_t HpetCore::timer_configuration(const HpetTimerState& timer) const {
    return timer.configuration | kCapable | static_cast<uint64_t>(routes_) << 32;
}

uint64_t HpetCore::read_register(unsigned offset, int64_t now_ns) const {
    switch (offset) {
        case kId: return static_cast<uint64_t>(kPeriodFs) << 32 | kCapabilities;
        case kConfiguration: return state_.configuration;
        case kStatus: return state_.status;
        case kCounter: return counter(now_ns);
        default: break;
    }
    if (offset < kFirstTimer || offset >= kFirstTimer + kTimers * kTimerSize) return 0;
    const HpetTimerState& timer = state_.timers[(offset - kFirstTimer) / kTimerSize];
    switch ((offset - kFirstTimer) % kTimerSize) {
        case kTimerConfiguration: return timer_configuration(timer);
        case kTimerComparator: return timer.comparator;
        default: return 0;
    }
}

uint64_t HpetCore::read(unsigned offset, unsigned size, int64_t now_ns) const {
    const uint64_t value = read_register(offset & ~7u, now_ns);
    return size == 8 ? value : value >> (8 * (offset & 4)) & 0xffffffff;
}

void HpetCore::write_configuration(uint64_t value, int64_t now_ns) {
    const bool was_enabled = enabled();
    const uint64_t reached = counter(now_ns);
    state_.configuration = value & (kEnable | kLegacy);
    if (enabled() == was_enabled) return;
    state_.counter = reached;
    state_.started_ns = now_ns;
    if (!enabled()) return;
    for (HpetTimerState& timer : state_.timers)
        rearm(timer, now_ns);
}

// A route that there is not stays what it was, for software to notice.
void HpetCore::set_route(HpetTimerState& timer, uint64_t value) {
    const uint64_t route = value >> kRouteShift & 31;
    if ((routes_ >> route & 1) == 0) value = (value & ~kRoute) | (timer.configuration & kRoute);
    timer.configuration = value & kWritable;
}

void HpetCore::write_timer(unsigned index, unsigned reg, unsigned shift, uint64_t mask,
                           uint64_t value, int64_t now_ns) {
    HpetTimerState& timer = state_.timers[index];
    auto merged = [&](uint64_t old) { return (old & ~mask) | (value << shift & mask); };
    if (reg == kTimerConfiguration) {
        set_route(timer, merged(timer.configuration));
        timer.comparator &= width(timer);
        timer.period &= width(timer);
        if ((timer.configuration & kLevel) == 0) state_.status &= ~(uint64_t{1} << index);
        return;
    }
    if (reg != kTimerComparator) return;
    if ((timer.configuration & kPeriodic) == 0) {
        timer.comparator = merged(timer.comparator) & width(timer);
    } else {
        // VAL_SET lets the comparator follow once; then it is the period alone.
        if ((timer.configuration & kSetValue) != 0) {
            timer.comparator = merged(timer.comparator) & width(timer);
        }
        timer.period = merged(timer.period) & width(timer);
    }
    timer.configuration &= ~kSetValue;
    rearm(timer, now_ns);
}

void HpetCore::write(unsigned offset, unsigned size, uint64_t value, int64_t now_ns) {
    const unsigned shift = 8 * (offset & 4);
    const uint64_t mask = size == 8 ? ~uint64_t{0} : uint64_t{0xffffffff} << shift;
    const unsigned reg = offset & ~7u;
    auto merged = [&](uint64_t old) { return (old & ~mask) | (value << shift & mask); };
    switch (reg) {
        case kConfiguration: write_configuration(merged(state_.configuration), now_ns); return;
        case kStatus: state_.status &= ~(value << shift & mask); return;
        case kCounter:
            // Only a halted counter can be set.
            if (!enabled()) state_.counter = merged(state_.counter);
            return;
        default: break;
    }
    if (reg < kFirstTimer || reg >= kFirstTimer + kTimers * kTimerSize) return;
    const unsigned index = (reg - kFirstTimer) / kTimerSize;
    write_timer(index, (reg - kFirstTimer) % kTimerSize, shift, mask, value, now_ns);
}

Result<void> HpetCore::validate(const HpetState& state) const {
    if ((state.configuration & ~(kEnable | kLegacy)) != 0) {
        return fail("HPET configuration {:#x}", state.configuration);
    }
    if (state.status >> kTimers != 0) return fail("HPET status {:#x}", state.status);
    if (!time_in_range(state.started_ns)) return fail("HPET started at {} ns", state.started_ns);
    for (unsigned index = 0; index < kTimers; ++index) {
        const HpetTimerState& timer = state.timers[index];
        const uint64_t route = timer.configuration >> kRouteShift & 31;
        if ((timer.configuration & ~kWritable) != 0 ||
            (route != 0 && (routes_ >> route & 1) == 0)) {
            return fail("HPET timer {} is configured as {:#x}", index, timer.configuration);
        }
        if (((timer.comparator | timer.period) & ~width(timer)) != 0) {
            return fail("HPET timer {} has 32 bits", index);
        }
    }
    return {};
}

void HpetCore::restore(const HpetState& state) {
    state_ = state;
    pulses_ = 0;
    late_ticks_ = 0;
}

}  // namespace qc::hw
