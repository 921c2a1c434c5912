// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/i8254_channel.h"

#include <algorithm>

#include "hw/core/ticks.h"

namespace qc::hw {

namespace {

// Far more ticks than kMaxTimeNs holds; sums with counts cannot overflow.
constexpr int64_t kMaxTick = kMaxTimeNs;

uint32_t from_bcd(uint16_t raw) {
    uint32_t value = 0;
    for (int shift = 12; shift >= 0; shift -= 4)
        value = value * 10 + ((raw >> shift) & 15u);
    return value;
}

uint16_t to_bcd(uint32_t value) {
    uint32_t raw = 0;
    for (int shift = 0; shift < 16; shift += 4) {
        raw |= (value % 10) << shift;
        value /= 10;
    }
    return static_cast<uint16_t>(raw);
}

uint32_t modulus(bool bcd) {
    return bcd ? 10000 : 0x10000;
}

}  // namespace

// How long the present half of mode 3's square wave lasts: an odd count gives
// the extra tick to the high half.
uint32_t I8254Channel::half_length() const {
    return state_.low_half ? state_.count / 2 : (state_.count + 1) / 2;
}

int64_t I8254Channel::elapsed(int64_t tick) const {
    return state_.paused ? state_.elapsed : std::max<int64_t>(tick - state_.start, 0);
}

void I8254Channel::load(int64_t start) {
    state_.count = state_.next_count;
    state_.start = start;
    state_.elapsed = 0;
    state_.paused = !state_.gate && state_.mode != 1 && state_.mode != 5;
    state_.running = true;
    state_.pending = false;
    state_.done = false;
    state_.low_half = false;
}

void I8254Channel::load_pending() {
    if (!state_.pending) return;
    state_.count = state_.next_count;
    state_.pending = false;
}

void I8254Channel::advance_rate_generator(int64_t tick) {
    int64_t done = elapsed(tick);
    if (done < state_.count) return;
    if (state_.pending) {
        state_.start += state_.count;
        load_pending();
        done = elapsed(tick);
    }
    state_.start += done / state_.count * state_.count;
}

void I8254Channel::advance_square_wave(int64_t tick) {
    auto next_half = [this] {
        state_.start += half_length();
        state_.low_half = !state_.low_half;
        load_pending();
    };
    if (state_.count < 2) {
        load_pending();
        return;
    }
    if (state_.pending && elapsed(tick) >= half_length()) next_half();
    if (state_.count < 2) return;
    state_.start += elapsed(tick) / state_.count * state_.count;
    while (elapsed(tick) >= half_length())
        next_half();
}

// Half a millisecond.
constexpr uint32_t kSlowestMerged = 597;

int64_t I8254Channel::rises(int64_t tick) const {
    const int64_t first = next_rise();
    if (first > tick) return 0;
    const bool counts = periodic() && !state_.pending && state_.count >= kSlowestMerged;
    return counts ? 1 + (tick - first) / state_.count : 1;
}

int64_t I8254Channel::advance(int64_t tick) {
    if (!state_.running) return 0;
    const int64_t rose = rises(tick);
    if (!state_.paused) {
        if (state_.mode == 2) advance_rate_generator(tick);
        if (state_.mode == 3) advance_square_wave(tick);
    }
    const int64_t now = elapsed(tick);
    if (!periodic()) state_.done = now >= state_.count + (state_.mode >= 4 ? 1 : 0);
    state_.out = output_at(tick);
    return rose;
}

int64_t I8254Channel::next_rise() const {
    if (!state_.running || state_.paused) return kNever;
    switch (state_.mode) {
        case 0:
        case 1: return state_.done ? kNever : state_.start + state_.count;
        case 2: return state_.count < 2 ? kNever : state_.start + state_.count;
        case 3: {
            if (state_.count < 2) return kNever;
            const int64_t half_end = state_.start + half_length();
            if (state_.low_half) return half_end;
            const uint32_t next = state_.pending ? state_.next_count : state_.count;
            return half_end + next / 2;
        }
        default: return state_.done ? kNever : state_.start + state_.count + 1;
    }
}

bool I8254Channel::output_at(int64_t tick) const {
    if (!state_.running) return state_.mode != 0;
    const int64_t now = elapsed(tick);
    switch (state_.mode) {
        case 0:
        case 1: return now >= state_.count;
        case 2: return !state_.gate || state_.count < 2 || now != state_.count - 1;
        case 3: return !state_.gate || state_.count < 2 || !state_.low_half;
        default: return now != state_.count;
    }
}

uint16_t I8254Channel::counter(int64_t tick) const {
    const int64_t modulo = modulus(state_.bcd);
    const int64_t now = elapsed(tick);
    int64_t value = state_.running ? state_.count : state_.next_count;
    if (state_.running) {
        if (state_.mode == 3) {
            value = (value & ~int64_t{1}) - 2 * now;
        } else {
            value -= now;
        }
    }
    value = ((value % modulo) + modulo) % modulo;
    return state_.bcd ? to_bcd(static_cast<uint32_t>(value)) : static_cast<uint16_t>(value);
}

void I8254Channel::write_control(uint8_t control) {
    const uint8_t mode = (control >> 1) & 7;
    state_ = State{
        .mode = static_cast<uint8_t>(mode > 5 ? mode & 3 : mode),
        .access = static_cast<uint8_t>((control >> 4) & 3),
        .bcd = (control & 1) != 0,
        .gate = state_.gate,
        .out = mode != 0,
        .next_count = modulus((control & 1) != 0),
        .count = modulus((control & 1) != 0),
    };
}

void I8254Channel::write_count(int64_t tick, uint8_t value) {
    switch (state_.access) {
        case 1: count_written(tick, value); return;
        case 2: count_written(tick, static_cast<uint16_t>(value << 8)); return;
        default: break;
    }
    if (!state_.write_second) {
        state_.low_byte = value;
        state_.write_second = true;
        if (state_.mode == 0) {
            // The first byte stops the count and OUT goes low at once.
            state_.running = false;
            state_.out = false;
        }
        return;
    }
    state_.write_second = false;
    count_written(tick, static_cast<uint16_t>(value << 8 | state_.low_byte));
}

void I8254Channel::count_written(int64_t tick, uint16_t raw) {
    uint32_t count = state_.bcd ? from_bcd(raw) : raw;
    count %= modulus(state_.bcd);
    state_.next_count = count == 0 ? modulus(state_.bcd) : count;
    state_.pending = true;
    switch (state_.mode) {
        case 0:
        case 4:
            load(tick + 1);
            state_.out = state_.mode == 4;
            return;
        case 2:
        case 3:
            if (!state_.running || !state_.gate) load(tick + 1);
            return;
        default: return;  // loaded by a trigger
    }
}

void I8254Channel::set_gate(int64_t tick, bool gate) {
    if (gate == state_.gate) return;
    state_.gate = gate;
    switch (state_.mode) {
        case 0:
        case 4:
            if (!state_.running) return;
            if (gate) {
                state_.start = std::max<int64_t>(tick - state_.elapsed, 0);
                state_.paused = false;
            } else {
                state_.elapsed = elapsed(tick);
                state_.paused = true;
            }
            return;
        case 1:
        case 5:
            if (!gate || (!state_.running && !state_.pending)) return;
            load(state_.mode == 1 ? tick : tick + 1);
            state_.out = state_.mode == 5;
            return;
        default:
            if (!state_.running) return;
            if (gate) {
                load(tick + 1);
            } else {
                state_.elapsed = elapsed(tick);
                state_.paused = true;
            }
            state_.out = true;
            return;
    }
}

void I8254Channel::latch_count(int64_t tick) {
    if (state_.latched_bytes != 0) return;
    state_.latch = counter(tick);
    state_.latched_bytes = state_.access == 3 ? 2 : 1;
    if (state_.access == 2) state_.latch = static_cast<uint16_t>(state_.latch >> 8);
}

void I8254Channel::latch_status(int64_t tick) {
    if (state_.status_latched) return;
    const bool null_count = !state_.running || state_.pending || tick < state_.start;
    state_.status = static_cast<uint8_t>((state_.out ? 0x80 : 0) | (null_count ? 0x40 : 0) |
                                         state_.access << 4 | state_.mode << 1 | state_.bcd);
    state_.status_latched = true;
}

uint8_t I8254Channel::read(int64_t tick) {
    if (state_.status_latched) {
        state_.status_latched = false;
        return state_.status;
    }
    if (state_.latched_bytes > 0) {
        const auto value = static_cast<uint8_t>(state_.latch);
        state_.latch = static_cast<uint16_t>(state_.latch >> 8);
        --state_.latched_bytes;
        return value;
    }
    const uint16_t value = counter(tick);
    bool high = state_.access == 2;
    if (state_.access == 3) {
        high = state_.read_second;
        state_.read_second = !state_.read_second;
    }
    return static_cast<uint8_t>(high ? value >> 8 : value);
}

Result<void> I8254Channel::validate(const State& state) {
    if (state.mode > 5) return fail("8254: no such mode {}", unsigned{state.mode});
    if (state.access < 1 || state.access > 3) {
        return fail("8254: no such access mode {}", unsigned{state.access});
    }
    if (state.latched_bytes > 2) {
        return fail("8254: {} latched bytes of 2", unsigned{state.latched_bytes});
    }
    for (uint32_t count : {state.count, state.next_count}) {
        if (count < 1 || count > 0x10000) return fail("8254: count {} is out of range", count);
    }
    if (state.start < 0 || state.start > kMaxTick || state.elapsed < 0 ||
        state.elapsed > kMaxTick) {
        return fail("8254: a time is out of range");
    }
    return {};
}

}  // namespace qc::hw
