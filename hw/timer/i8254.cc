// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/i8254.h"

#include <algorithm>

#include "hw/timer/trace.h"

namespace qc::hw {

namespace {
// A guest may ask for an interrupt every 2 us. It gets them merged at this
// distance, so that it cannot keep the main loop busy.
constexpr int64_t kMinTimerDistanceNs = 20'000;
constexpr int64_t kMostLateTicks = 64;
}  // namespace

I8254::I8254(const DeviceContext& context)
    : timers_(context.virtual_timers),
      timer_(timers_,
             [this] {
                 const int64_t now = now_ns();
                 advance(now);
                 earliest_ns_ = now + kMinTimerDistanceNs;
                 update();
             }),
      ports_(*this, context.io_root, "pit", 0x40, 4) {}

void I8254::advance(int64_t now) {
    // The main loop may have been late; see hw/intc/owed_ticks.h.
    for (int64_t rises = std::min(core_.advance(now), kMostLateTicks); rises > 0; --rises) {
        output_.set(false);
        output_.set(true);
    }
}

void I8254::update() {
    output_.set(core_.irq_level());
    arm_timer();
}

void I8254::arm_timer() {
    const int64_t rise = core_.next_rise_ns();
    if (rise == I8254Core::kNever) {
        timer_.cancel();
    } else {
        timer_.arm_at_ns(std::max(rise, earliest_ns_));
    }
}

uint8_t I8254::read(unsigned offset) {
    const int64_t now = now_ns();
    if (offset == 0) {
        advance(now);
        update();
    }
    return core_.read(now, offset);
}

void I8254::write(unsigned offset, uint8_t value) {
    trace::pit_write(offset, value);
    const int64_t now = now_ns();
    advance(now);
    core_.write(now, offset, value);
    update();
}

void I8254::set_channel2_gate(bool gate) {
    core_.set_gate(now_ns(), I8254Core::kSpeakerChannel, gate);
}

bool I8254::channel2_output() {
    return core_.output(now_ns(), I8254Core::kSpeakerChannel);
}

void I8254::reset() {
    core_.reset();
    update();
}

void I8254::restore(const I8254Core::State& state) {
    core_.restore(state);
    output_.restore(core_.irq_level());
    earliest_ns_ = 0;
    arm_timer();
}

}  // namespace qc::hw
