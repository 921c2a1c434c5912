// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of a high precision event timer block: a 64-bit counter at 100 MHz and
// three comparators. Source: IA-PC HPET specification 1.0a, section 2.3.
//
// The comparators see the counter's values as it passes them: a match is equality,
// looked for in what has passed since the comparator or the counter was last set.
//
// FSB delivery is not there (FSB_INT_DEL_CAP is 0).
//
// Threading: caller locks. Owned by Hpet.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "util/result.h"

namespace qc::hw {

struct HpetTimerState {
    uint64_t configuration = 0;  // the bits that can be written
    uint64_t comparator = 0;
    uint64_t period = 0;
    // Matches up to this counter value have been noticed.
    uint64_t seen = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("configuration", s.configuration);
        v("comparator", s.comparator);
        v("period", s.period);
        v("seen", s.seen);
    }
};

struct HpetState {
    static constexpr unsigned kTimers = 3;

    uint64_t configuration = 0;
    uint64_t status = 0;
    // The counter's value, at `started_ns` while it runs.
    uint64_t counter = 0;
    int64_t started_ns = 0;
    std::array<HpetTimerState, kTimers> timers;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("configuration", s.configuration);
        v("status", s.status);
        v("counter", s.counter);
        v("started_ns", s.started_ns);
        v("timers", s.timers);
    }
};

class HpetCore {
 public:
    static constexpr unsigned kTimers = HpetState::kTimers;
    static constexpr uint32_t kSize = 0x400;
    static constexpr uint32_t kCapabilities = 0x8086a201;
    static constexpr uint32_t kPeriodFs = 10'000'000;

    // `routes` has a bit for each input of the I/O APIC that a timer may use.
    explicit HpetCore(uint32_t routes) : routes_(routes) { reset(); }
    void reset();

    // `size` is 4 or 8, aligned. Call advance() first.
    uint64_t read(unsigned offset, unsigned size, int64_t now_ns) const;
    void write(unsigned offset, unsigned size, uint64_t value, int64_t now_ns);

    // Notices matches up to `now_ns`.
    void advance(int64_t now_ns);
    // When the next match will interrupt; nothing if none will.
    std::optional<int64_t> next_event_ns() const;

    // The I/O APIC inputs that level-triggered timers hold, and those that
    // edge-triggered ones have pulsed since this was last asked. Input 2 stands for
    // the wire of the interval timer, which legacy replacement takes over.
    uint32_t levels() const;
    uint32_t take_pulses();
    // How many more pulses of the interval timer's wire there would have been, had somebody
    // looked in time. Rates above 2 kHz, which no guest's clock has, count as one.
    unsigned take_late_ticks();
    // The interval timer and the clock are cut off from interrupts 0 and 8.
    bool legacy_replacement() const;

    const HpetState& state() const { return state_; }
    Result<void> validate(const HpetState& state) const;
    void restore(const HpetState& state);

 private:
    bool enabled() const;
    uint64_t counter(int64_t now_ns) const;
    uint64_t width(const HpetTimerState& timer) const;
    // Ticks from `timer.seen` to its next match; nothing if it is a whole turn of 64 bits.
    std::optional<uint64_t> distance(const HpetTimerState& timer) const;
    unsigned input(unsigned index) const;
    uint64_t timer_configuration(const HpetTimerState& timer) const;
    uint64_t read_register(unsigned offset, int64_t now_ns) const;
    void write_configuration(uint64_t value, int64_t now_ns);
    void write_timer(unsigned index, unsigned reg, unsigned shift, uint64_t mask, uint64_t value,
                     int64_t now_ns);
    void set_route(HpetTimerState& timer, uint64_t value);
    void rearm(HpetTimerState& timer, int64_t now_ns);
    void matched(unsigned index, uint64_t now);

    const uint32_t routes_;
    HpetState state_;
    uint32_t pulses_ = 0;
    unsigned late_ticks_ = 0;
};

}  // namespace qc::hw
