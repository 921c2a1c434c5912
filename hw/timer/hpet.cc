// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/hpet.h"

#include <algorithm>

#include "hw/timer/trace.h"

namespace qc::hw {

namespace {

// A guest may ask for an interrupt every 10 ns. It gets them merged at this distance,
// so that it cannot keep the main loop busy.
constexpr int64_t kMinTimerDistanceNs = 20'000;

constexpr unsigned kPitInput = 2;
constexpr uint32_t kPitPulse = 1u << kPitInput;
constexpr unsigned kPitWire = 0;
constexpr unsigned kClockWire = 8;
constexpr unsigned kFirstHighInput = 16;

// The interval timer's wire is on input 2.
uint32_t isa_wires(uint32_t inputs) {
    uint32_t wires = inputs & 0xffff & ~(1u << kPitInput | 1u << kPitWire);
    if ((inputs >> kPitInput & 1) != 0) wires |= 1u << kPitWire;
    return wires;
}

void drive_bundle(IsaIrqs& bundle, uint32_t& levels, uint32_t wanted) {
    const uint32_t changed = levels ^ wanted;
    levels = wanted;
    for (unsigned wire = 0; wire < kIsaIrqCount; ++wire) {
        if ((changed >> wire & 1) != 0) bundle.update(wire);
    }
}

}  // namespace

Hpet::Hpet(const Deps& deps)
    : timers_(deps.context.virtual_timers),
      memory_root_(deps.memory_root),
      wires_(deps.wires),
      high_wires_(deps.high_wires),
      set_legacy_replacement_(deps.set_legacy_replacement),
      core_(deps.routes),
      timer_(timers_,
             [this] {
                 const int64_t now = now_ns();
                 core_.advance(now);
                 earliest_ns_ = now + kMinTimerDistanceNs;
                 update();
             }),
      region_(memory::MemoryRegion::io("hpet", HpetCore::kSize, *this)) {
    memory_root_.add_child(kAddress, region_, 1);
    wires_.add_driver(driver_);
    if (high_wires_ != nullptr) high_wires_->add_driver(high_driver_);
}

Hpet::~Hpet() {
    memory_root_.remove_child(region_);
}

void Hpet::drive(uint32_t inputs) {
    drive_bundle(wires_, driver_.levels, isa_wires(inputs));
    if (high_wires_ != nullptr) {
        drive_bundle(*high_wires_, high_driver_.levels, inputs >> kFirstHighInput);
    }
}

void Hpet::mute_legacy_wires() {
    wires_.mute_lines(kPitWire, legacy_);
    wires_.mute_lines(kClockWire, legacy_);
}

void Hpet::update() {
    const bool legacy = core_.legacy_replacement();
    if (legacy != legacy_) {
        trace::hpet_legacy(legacy);
        legacy_ = legacy;
        mute_legacy_wires();
        set_legacy_replacement_(legacy);
        wires_.update(kPitWire);
        wires_.update(kClockWire);
    }
    const uint32_t levels = core_.levels();
    const uint32_t pulses = core_.take_pulses();
    if (pulses != 0) {
        drive(levels & ~pulses);
        drive(levels | pulses);
    }
    // See hw/intc/owed_ticks.h.
    for (unsigned late = core_.take_late_ticks(); late > 0; --late) {
        drive(levels & ~kPitPulse);
        drive(levels | kPitPulse);
    }
    drive(levels);
    arm_timer();
}

void Hpet::arm_timer() {
    if (auto next = core_.next_event_ns()) {
        timer_.arm_at_ns(std::max(*next, earliest_ns_));
    } else {
        timer_.cancel();
    }
}

uint64_t Hpet::io_read(uint64_t offset, unsigned size) {
    const int64_t now = now_ns();
    core_.advance(now);
    const uint64_t value = core_.read(static_cast<unsigned>(offset) & ~(size - 1), size, now);
    update();
    return value;
}

void Hpet::io_write(uint64_t offset, unsigned size, uint64_t value) {
    // Registers are written in halves or as a whole.
    if (size < 4 || (offset & (size - 1)) != 0) return;
    trace::hpet_write(offset, value);
    const int64_t now = now_ns();
    core_.advance(now);
    core_.write(static_cast<unsigned>(offset), size, value, now);
    update();
}

void Hpet::reset() {
    core_.reset();
    update();
}

void Hpet::restore(const HpetState& state) {
    core_.restore(state);
    // The wires and the kernel's timer load their own states.
    legacy_ = core_.legacy_replacement();
    mute_legacy_wires();
    const uint32_t levels = core_.levels();
    driver_.levels = isa_wires(levels);
    high_driver_.levels = high_wires_ != nullptr ? levels >> kFirstHighInput : 0;
    earliest_ns_ = 0;
    arm_timer();
}

}  // namespace qc::hw
