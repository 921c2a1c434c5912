// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/rtc/mc146818_core.h"

#include <algorithm>

#include "hw/core/ticks.h"

namespace qc::hw {

namespace {

enum Register : uint8_t {
    kSeconds = 0,
    kSecondsAlarm = 1,
    kMinutes = 2,
    kMinutesAlarm = 3,
    kHours = 4,
    kHoursAlarm = 5,
    kWeekday = 6,
    kDay = 7,
    kMonth = 8,
    kYear = 9,
    kA = 0x0a,
    kB = 0x0b,
    kC = 0x0c,
    kD = 0x0d,
};

// Register A.
constexpr uint8_t kUip = 0x80;
constexpr uint8_t kDividerMask = 0x70;
constexpr uint8_t kDivider32k = 0x20;
constexpr uint8_t kDividerReset = 0x60;  // either value of the lowest bit
constexpr uint8_t kRateMask = 0x0f;
// Register B. The interrupt enables are where register C has their flags.
constexpr uint8_t kSet = 0x80;
constexpr uint8_t kPeriodic = 0x40;
constexpr uint8_t kAlarm = 0x20;
constexpr uint8_t kUpdate = 0x10;
constexpr uint8_t kSquareWave = 0x08;
constexpr uint8_t kBinary = 0x04;
constexpr uint8_t k24Hours = 0x02;
// Register C.
constexpr uint8_t kIrqFlag = 0x80;
constexpr uint8_t kFlags = kPeriodic | kAlarm | kUpdate;
// Register D: valid RAM and time.
constexpr uint8_t kVrt = 0x80;

constexpr uint8_t kPm = 0x80;
constexpr uint8_t kDontCare = 0xc0;
constexpr uint32_t kTickHz = 32768;
// UIP rises 244 us before an update cycle, which takes 1984 us on this crystal.
constexpr int64_t kUpdateNs = 244'000 + 1'984'000;
// After the divider is let go, the first update comes half a second later.
constexpr int64_t kDividerReleaseNs = kNsPerSecond / 2;
constexpr int64_t kSecondsPerDay = 86400;
// Some ten thousand years either way.
constexpr int64_t kMaxOffset = 400'000'000'000;

bool is_time(unsigned index) {
    switch (index) {
        case kSeconds:
        case kMinutes:
        case kHours:
        case kWeekday:
        case kDay:
        case kMonth:
        case kYear:
        case Mc146818Core::kCentury: return true;
        default: return false;
    }
}

}  // namespace

Mc146818Core::Mc146818Core(int64_t now_ns, int64_t offset_s) {
    state_.offset_s = std::clamp(offset_s, -kMaxOffset, kMaxOffset);
    state_.last_ns = divider_ns(now_ns);
    state_.ram[kA] = kDivider32k | 6;
    state_.ram[kB] = k24Hours;
    state_.ram[kD] = kVrt;
}

void Mc146818Core::reset() {
    state_.ram[kB] &= static_cast<uint8_t>(~(kFlags | kSquareWave));
    state_.ram[kC] = 0;
    state_.nmi_masked = false;
}

bool Mc146818Core::divider_reset() const {
    return (state_.ram[kA] & kDividerReset) == kDividerReset;
}

// The calendar stands still and is in the RAM bytes.
bool Mc146818Core::held() const {
    return (state_.ram[kB] & kSet) != 0 || divider_reset();
}

int64_t Mc146818Core::divider_ns(int64_t now_ns) const {
    return std::clamp<int64_t>(now_ns, 0, kMaxTimeNs) + state_.phase_ns;
}

int64_t Mc146818Core::calendar_s(int64_t divider_ns) const {
    return divider_ns / kNsPerSecond + state_.offset_s;
}

bool Mc146818Core::updating(int64_t now_ns) const {
    return !held() && divider_ns(now_ns) % kNsPerSecond >= kNsPerSecond - kUpdateNs;
}

// Of the periodic interrupt, in ticks of 32768 Hz; 0 if it is off.
unsigned Mc146818Core::period_ticks() const {
    const unsigned rate = state_.ram[kA] & kRateMask;
    if (rate == 0 || divider_reset()) return 0;
    return rate <= 2 ? 1u << (rate + 6) : 1u << (rate - 1);
}

uint8_t Mc146818Core::encode(unsigned value) const {
    if (state_.ram[kB] & kBinary) return static_cast<uint8_t>(value);
    return static_cast<uint8_t>((value / 10) << 4 | value % 10);
}

unsigned Mc146818Core::decode(uint8_t raw) const {
    if (state_.ram[kB] & kBinary) return raw;
    return (raw >> 4) * 10u + (raw & 15u);
}

uint8_t Mc146818Core::encode_hour(unsigned hour) const {
    if (state_.ram[kB] & k24Hours) return encode(hour);
    const unsigned shown = hour % 12 == 0 ? 12 : hour % 12;
    return static_cast<uint8_t>(encode(shown) | (hour >= 12 ? kPm : 0));
}

unsigned Mc146818Core::decode_hour(uint8_t raw) const {
    if (state_.ram[kB] & k24Hours) return decode(raw);
    return decode(raw & 0x7f) % 12 + (raw & kPm ? 12 : 0);
}

std::optional<int64_t> Mc146818Core::seconds_to_alarm(int64_t from) const {
    const uint8_t raw_second = state_.ram[kSecondsAlarm];
    const uint8_t raw_minute = state_.ram[kMinutesAlarm];
    const uint8_t raw_hour = state_.ram[kHoursAlarm];
    auto matches = [](uint8_t raw, int64_t wanted, int64_t value) {
        return (raw & kDontCare) == kDontCare || wanted == value;
    };
    const int64_t start = ((from % kSecondsPerDay) + kSecondsPerDay) % kSecondsPerDay;
    int64_t at = start + 1;
    while (at <= start + kSecondsPerDay) {
        const int64_t second_of_day = at % kSecondsPerDay;
        if (!matches(raw_hour, decode_hour(raw_hour), second_of_day / 3600)) {
            at += 3600 - second_of_day % 3600;
        } else if (!matches(raw_minute, decode(raw_minute), second_of_day / 60 % 60)) {
            at += 60 - second_of_day % 60;
        } else if (!matches(raw_second, decode(raw_second), second_of_day % 60)) {
            ++at;
        } else {
            return at - start;
        }
    }
    return std::nullopt;
}

void Mc146818Core::advance(int64_t now_ns) {
    const int64_t now = divider_ns(now_ns);
    // The clock may have been set back, or be another host's.
    const int64_t last = std::min(state_.last_ns, now);
    state_.last_ns = now;

    if (!held()) {
        const int64_t before = calendar_s(last);
        const int64_t passed = calendar_s(now) - before;
        if (passed > 0) {
            state_.ram[kC] |= kUpdate;
            const auto alarm = seconds_to_alarm(before);
            if (alarm && *alarm <= passed) state_.ram[kC] |= kAlarm;
        }
    }
    if (const unsigned period = period_ticks(); period != 0) {
        if (ticks_from_ns(last, kTickHz) / period != ticks_from_ns(now, kTickHz) / period) {
            state_.ram[kC] |= kPeriodic;
        }
    }
    update_irq();
}

void Mc146818Core::update_irq() {
    const bool irq = (state_.ram[kC] & state_.ram[kB] & kFlags) != 0;
    state_.ram[kC] = static_cast<uint8_t>((state_.ram[kC] & kFlags) | (irq ? kIrqFlag : 0));
}

bool Mc146818Core::alarm() const {
    return (state_.ram[kC] & state_.ram[kB] & kAlarm) != 0;
}

int64_t Mc146818Core::next_irq_ns(int64_t now_ns) const {
    uint8_t enabled = state_.ram[kB];
    if (alarm()) return kNever;
    if (irq()) enabled &= kAlarm;
    const int64_t now = divider_ns(now_ns);
    int64_t next = kNever;
    if (const unsigned period = period_ticks(); period != 0 && (enabled & kPeriodic)) {
        const int64_t tick = (ticks_from_ns(now, kTickHz) / period + 1) * period;
        next = std::min(next, ns_from_ticks(tick, kTickHz));
    }
    if (!held()) {
        const int64_t second = now / kNsPerSecond;
        if (enabled & kUpdate) next = std::min(next, (second + 1) * kNsPerSecond);
        if (enabled & kAlarm) {
            if (const auto alarm = seconds_to_alarm(calendar_s(now))) {
                next = std::min(next, (second + *alarm) * kNsPerSecond);
            }
        }
    }
    return next == kNever ? kNever : next - state_.phase_ns;
}

void Mc146818Core::store_time(int64_t calendar_s) {
    const CalendarTime time = calendar_time(calendar_s);
    const auto year = static_cast<unsigned>((time.year % 10000 + 10000) % 10000);
    auto& ram = state_.ram;
    ram[kSeconds] = encode(time.second);
    ram[kMinutes] = encode(time.minute);
    ram[kHours] = encode_hour(time.hour);
    ram[kWeekday] = encode((time.weekday + state_.weekday_shift) % 7 + 1);
    ram[kDay] = encode(time.day);
    ram[kMonth] = encode(time.month);
    ram[kYear] = encode(year % 100);
    ram[kCentury] = encode(year / 100);
}

// Makes the bytes in RAM the time of the calendar.
void Mc146818Core::take_time(int64_t now_ns) {
    const auto& ram = state_.ram;
    const int64_t seconds = seconds_since_1970({
        .year = int64_t{decode(ram[kCentury])} * 100 + decode(ram[kYear]),
        .month = std::clamp(decode(ram[kMonth]), 1u, 12u),
        .day = std::max(decode(ram[kDay]), 1u),
        .hour = decode_hour(ram[kHours]),
        .minute = decode(ram[kMinutes]),
        .second = decode(ram[kSeconds]),
    });
    const int64_t offset = seconds - divider_ns(now_ns) / kNsPerSecond;
    state_.offset_s = std::clamp(offset, -kMaxOffset, kMaxOffset);
    const unsigned wanted = decode(ram[kWeekday]) + 6;  // 1 is Sunday
    const unsigned weekday = calendar_time(seconds).weekday;
    state_.weekday_shift = static_cast<uint8_t>((wanted + 7 - weekday) % 7);
}

void Mc146818Core::select(uint8_t value) {
    state_.index = value & 0x7f;
    state_.nmi_masked = (value & 0x80) != 0;
}

uint8_t Mc146818Core::read(int64_t now_ns) {
    advance(now_ns);
    const unsigned index = state_.index;
    if (index == kA) {
        return static_cast<uint8_t>(state_.ram[kA] | (updating(now_ns) ? kUip : 0));
    }
    if (index == kC) {
        const uint8_t flags = state_.ram[kC];
        state_.ram[kC] = 0;
        return flags;
    }
    if (is_time(index) && !held()) store_time(calendar_s(divider_ns(now_ns)));
    return state_.ram[index];
}

void Mc146818Core::write(int64_t now_ns, uint8_t value) {
    advance(now_ns);
    const unsigned index = state_.index;
    switch (index) {
        case kA: write_a(now_ns, value); return;
        case kB: write_b(now_ns, value); return;
        case kC:
        case kD: return;
        default: break;
    }
    if (is_time(index)) {
        write_time(now_ns, index, value);
    } else {
        state_.ram[index] = value;
    }
}

void Mc146818Core::write_time(int64_t now_ns, unsigned index, uint8_t value) {
    if (held()) {
        state_.ram[index] = value;
        return;
    }
    store_time(calendar_s(divider_ns(now_ns)));
    state_.ram[index] = value;
    take_time(now_ns);
}

void Mc146818Core::write_a(int64_t now_ns, uint8_t value) {
    const bool was_held = held();
    const bool was_reset = divider_reset();
    if (!was_held) store_time(calendar_s(divider_ns(now_ns)));
    state_.ram[kA] = value & (kDividerMask | kRateMask);
    if (was_reset && !divider_reset()) {
        const int64_t phase = divider_ns(now_ns) % kNsPerSecond;
        state_.phase_ns =
            (state_.phase_ns + kDividerReleaseNs - phase + 2 * kNsPerSecond) % kNsPerSecond;
        state_.last_ns = divider_ns(now_ns);
    }
    if (was_held && !held()) take_time(now_ns);
}

void Mc146818Core::write_b(int64_t now_ns, uint8_t value) {
    const bool was_held = held();
    if (!was_held) store_time(calendar_s(divider_ns(now_ns)));
    // Setting SET clears the update-ended enable.
    if (value & kSet) value &= static_cast<uint8_t>(~kUpdate);
    // The bytes keep the form they have, and are taken in the format in force then.
    state_.ram[kB] = value;
    if (was_held && !held()) take_time(now_ns);
    update_irq();
}

Result<void> Mc146818Core::validate(const State& state) const {
    if (state.index >= kBytes) return fail("CMOS: no such index {}", unsigned{state.index});
    if (state.weekday_shift > 6) {
        return fail("CMOS: weekday shift {} is out of range", unsigned{state.weekday_shift});
    }
    if (state.offset_s < -kMaxOffset || state.offset_s > kMaxOffset || state.phase_ns < 0 ||
        state.phase_ns >= kNsPerSecond || state.last_ns < 0 ||
        state.last_ns > kMaxTimeNs + kNsPerSecond) {
        return fail("CMOS: a time is out of range");
    }
    if (state.ram[kA] & kUip || state.ram[kD] != kVrt || state.ram[kC] & ~(kIrqFlag | kFlags)) {
        return fail("CMOS: a register has bits that it cannot have");
    }
    return {};
}

}  // namespace qc::hw
