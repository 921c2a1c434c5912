// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/pc_speaker.h"

#include "hw/timer/i8254_core.h"

namespace qc::hw {

namespace {
constexpr uint8_t kGate = 0x01;
constexpr uint8_t kWritable = 0x0f;
constexpr unsigned kRefreshBit = 4;
constexpr uint8_t kOutput = 0x20;
// A PC sets counter 1 to 18: 15.08 us between two refresh requests.
constexpr int64_t kRefreshTicks = 18;
}  // namespace

PcSpeaker::PcSpeaker(const DeviceContext& context, PitChannel2& pit)
    : clock_(context.virtual_timers.clock()),
      pit_(pit),
      ports_(*this, context.io_root, "pcspk", 0x61, 1) {}

uint8_t PcSpeaker::read(unsigned) {
    const int64_t refreshes =
        ticks_from_ns(clock_.now_ns(), I8254Core::kFrequencyHz) / kRefreshTicks;
    return static_cast<uint8_t>(state_.control | (refreshes & 1) << kRefreshBit |
                                (pit_.channel2_output() ? kOutput : 0));
}

void PcSpeaker::write(unsigned, uint8_t value) {
    state_.control = value & kWritable;
    pit_.set_channel2_gate((value & kGate) != 0);
}

void PcSpeaker::reset() {
    state_ = {};
    pit_.set_channel2_gate(false);
}

Result<void> PcSpeaker::validate(const State& state) const {
    if (state.control & ~kWritable) {
        return fail("port 61h: control {:#x} has bits that cannot be written",
                    unsigned{state.control});
    }
    return {};
}

}  // namespace qc::hw
