// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/port92.h"

#include "hw/misc/trace.h"

namespace qc::hw {

namespace {
constexpr uint8_t kReset = 0x01;
constexpr uint8_t kA20 = 0x02;
constexpr uint8_t kLamp = 0xc0;
constexpr uint8_t kWritable = kReset | kA20 | kLamp;
}  // namespace

Port92::Port92(const DeviceContext& context, const Connections& connections)
    : machine_(connections.machine),
      a20_(connections.a20),
      ports_(*this, context.io_root, "port92", 0x92, 1) {}

void Port92::write(unsigned, uint8_t value) {
    trace::port92_write(value);
    const bool reset_rises = (value & ~state_.control & kReset) != 0;
    state_.control = value & kWritable;
    a20_.set(A20Gate::Source::kPort92, (value & kA20) != 0);
    if (reset_rises) machine_.request_guest_reset();
}

void Port92::reset() {
    state_ = {};
    a20_.set(A20Gate::Source::kPort92, false);
}

Result<void> Port92::validate(const State& state) const {
    if (state.control & ~kWritable) {
        return fail("port 92h: {:#x} has bits that cannot be written", unsigned{state.control});
    }
    return {};
}

void Port92::restore(const State& state) {
    state_ = state;
    a20_.restore(A20Gate::Source::kPort92, (state.control & kA20) != 0);
}

}  // namespace qc::hw
