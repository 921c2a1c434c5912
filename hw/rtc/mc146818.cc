// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/rtc/mc146818.h"

#include "hw/rtc/trace.h"

namespace qc::hw {

Mc146818::Mc146818(const Config& config, const DeviceContext& context)
    : timers_(config.clock == ClockSource::kHost ? context.host_timers : context.virtual_timers),
      core_(now_ns(), config.offset_s),
      timer_(timers_,
             [this] {
                 core_.advance(now_ns());
                 update();
             }),
      ports_(*this, context.io_root, "rtc", 0x70, 2) {}

uint8_t Mc146818::read(unsigned offset) {
    // The index port cannot be read.
    if (offset == 0) return 0xff;
    const uint8_t value = core_.read(now_ns());
    update();
    return value;
}

void Mc146818::write(unsigned offset, uint8_t value) {
    if (offset == 0) {
        core_.select(value);
        return;
    }
    trace::rtc_write(core_.index(), value);
    core_.write(now_ns(), value);
    update();
}

void Mc146818::update() {
    irq_.set(core_.irq());
    const bool alarm = core_.alarm();
    if (alarm && !alarm_seen_ && alarm_) alarm_();
    alarm_seen_ = alarm;
    arm_timer(now_ns());
}

void Mc146818::arm_timer(int64_t now) {
    const int64_t next = core_.next_irq_ns(now);
    if (next == Mc146818Core::kNever) {
        timer_.cancel();
    } else {
        timer_.arm_at_ns(next);
    }
}

void Mc146818::reset() {
    core_.advance(now_ns());
    core_.reset();
    update();
}

void Mc146818::restore(const Mc146818Core::State& state) {
    core_.restore(state);
    irq_.restore(core_.irq());
    alarm_seen_ = core_.alarm();
    arm_timer(now_ns());
}

}  // namespace qc::hw
