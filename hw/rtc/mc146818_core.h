// SPDX-License-Identifier: GPL-2.0-or-later
//
// The MC146818 real-time clock with 128 bytes of battery-backed RAM. Source:
// Motorola MC146818A datasheet (ADI1096); the century byte at 32h is the PC's,
// as ACPI's FADT announces it.
//
// Time is arithmetic on the clock that the shell passes in: "divider time" is
// that clock plus `phase_ns`, and the calendar is its whole seconds plus
// `offset_s`. Both numbers are part of the state, so a clock that was set keeps
// its time where it is loaded. While SET or the divider's reset holds the
// calendar, it stands in the RAM bytes instead.
//
// Threading: caller locks. Owned by hw::Mc146818.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "hw/rtc/calendar.h"
#include "util/result.h"

namespace qc::hw {

class Mc146818Core {
 public:
    static constexpr unsigned kBytes = 128;
    static constexpr unsigned kFirstRamByte = 0x0e;
    static constexpr unsigned kCentury = 0x32;
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

    struct State {
        uint8_t index = 0;
        bool nmi_masked = false;
        uint8_t weekday_shift = 0;  // the guest's day of the week minus the calendar's
        int64_t offset_s = 0;
        int64_t phase_ns = 0;
        int64_t last_ns = 0;  // divider time up to which the flags are right
        std::array<uint8_t, kBytes> ram{};

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("index", s.index);
            v("nmi_masked", s.nmi_masked);
            v("weekday_shift", s.weekday_shift);
            v("offset_s", s.offset_s);
            v("phase_ns", s.phase_ns);
            v("last_ns", s.last_ns);
            v("ram", s.ram);
        }
    };

    // The battery is put in at `now_ns`; the calendar is ahead of the clock by `offset_s`.
    Mc146818Core(int64_t now_ns, int64_t offset_s);

    // The RESET pin: interrupts off; time and RAM stay.
    void reset();

    void select(uint8_t value);  // port 70h: index, NMI mask in bit 7
    uint8_t index() const { return state_.index; }
    bool nmi_masked() const { return state_.nmi_masked; }
    uint8_t read(int64_t now_ns);
    void write(int64_t now_ns, uint8_t value);

    // Sets the flags for everything that happened up to `now_ns`.
    void advance(int64_t now_ns);
    bool irq() const { return (state_.ram[0x0c] & 0x80) != 0; }
    // The alarm has come, and it is enabled.
    bool alarm() const;
    // When irq() or alarm() would become true; kNever if they are, or nothing is enabled.
    int64_t next_irq_ns(int64_t now_ns) const;

    uint8_t ram(unsigned index) const { return state_.ram[index % kBytes]; }
    void set_ram(unsigned index, uint8_t value) { state_.ram[index % kBytes] = value; }

    const State& state() const { return state_; }
    Result<void> validate(const State& state) const;
    void restore(const State& state) { state_ = state; }

 private:
    bool held() const;
    bool divider_reset() const;
    unsigned period_ticks() const;
    bool updating(int64_t now_ns) const;
    int64_t divider_ns(int64_t now_ns) const;
    int64_t calendar_s(int64_t divider_ns) const;
    // Seconds from calendar time `from` to the next alarm after it, if there is one
    // within a day.
    std::optional<int64_t> seconds_to_alarm(int64_t from) const;
    void store_time(int64_t calendar_s);
    void take_time(int64_t now_ns);
    void write_time(int64_t now_ns, unsigned index, uint8_t value);
    void write_a(int64_t now_ns, uint8_t value);
    void write_b(int64_t now_ns, uint8_t value);
    void update_irq();
    uint8_t encode(unsigned value) const;
    unsigned decode(uint8_t raw) const;
    uint8_t encode_hour(unsigned hour) const;
    unsigned decode_hour(uint8_t raw) const;

    State state_;
};

}  // namespace qc::hw
