// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/i8254_core.h"

namespace qc::hw {

namespace {
constexpr unsigned kControlOffset = 3;
constexpr unsigned kReadBackSelect = 3;
}  // namespace

void I8254Core::reset() {
    for (I8254Channel& channel : channels_)
        channel.restore({});
    channels_[kSpeakerChannel].restore({.gate = false});
}

int64_t I8254Core::advance(int64_t now_ns) {
    return channels_[0].advance(tick(now_ns));
}

int64_t I8254Core::next_rise_ns() const {
    const int64_t rise = channels_[0].next_rise();
    return rise == kNever ? kNever : ns_from_ticks(rise, kFrequencyHz);
}

uint8_t I8254Core::read(int64_t now_ns, unsigned offset) {
    if (offset >= kControlOffset) return 0xff;
    const int64_t now = tick(now_ns);
    channels_[offset].advance(now);
    return channels_[offset].read(now);
}

void I8254Core::write(int64_t now_ns, unsigned offset, uint8_t value) {
    const int64_t now = tick(now_ns);
    if (offset < kControlOffset) {
        channels_[offset].advance(now);
        channels_[offset].write_count(now, value);
        return;
    }
    const unsigned select = value >> 6;
    if (select == kReadBackSelect) {
        read_back(now, value);
        return;
    }
    channels_[select].advance(now);
    if ((value & 0x30) == 0) {
        channels_[select].latch_count(now);
    } else {
        channels_[select].write_control(value);
    }
}

// Both latch bits are active low.
void I8254Core::read_back(int64_t now, uint8_t command) {
    for (unsigned i = 0; i < kChannels; ++i) {
        if ((command & (2u << i)) == 0) continue;
        channels_[i].advance(now);
        if ((command & 0x20) == 0) channels_[i].latch_count(now);
        if ((command & 0x10) == 0) channels_[i].latch_status(now);
    }
}

void I8254Core::set_gate(int64_t now_ns, unsigned channel, bool gate) {
    const int64_t now = tick(now_ns);
    channels_[channel].advance(now);
    channels_[channel].set_gate(now, gate);
}

bool I8254Core::output(int64_t now_ns, unsigned channel) {
    channels_[channel].advance(tick(now_ns));
    return channels_[channel].output();
}

I8254Core::State I8254Core::state() const {
    State state;
    for (unsigned i = 0; i < kChannels; ++i)
        state.channels[i] = channels_[i].state();
    return state;
}

Result<void> I8254Core::validate(const State& state) const {
    for (unsigned i = 0; i < kChannels; ++i) {
        TRY(I8254Channel::validate(state.channels[i]).context("counter {}", i));
    }
    return {};
}

void I8254Core::restore(const State& state) {
    for (unsigned i = 0; i < kChannels; ++i)
        channels_[i].restore(state.channels[i]);
}

}  // namespace qc::hw
