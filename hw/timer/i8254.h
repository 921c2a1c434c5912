// SPDX-License-Identifier: GPL-2.0-or-later
//
// The PC's interval timer on ports 40h-43h, driven by the virtual clock. See
// hw/timer/i8254_core.h.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/irq_line.h"
#include "hw/core/port_range.h"
#include "hw/timer/i8254_core.h"
#include "hw/timer/pit_channel2.h"
#include "state/component_of.h"

namespace qc::hw {

class I8254 final : public Device, public PitChannel2 {
 public:
    explicit I8254(const DeviceContext& context);

    // Counter 0's OUT. Each rising edge is passed on; the falling ones between
    // them may be late, which no edge-triggered input sees.
    IrqLine& output() { return output_; }

    void set_channel2_gate(bool gate) override;
    bool channel2_output() override;

    std::string_view type_name() const override { return "isa-pit"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    // For the component.
    I8254Core::State save() const { return core_.state(); }
    Result<void> validate(const I8254Core::State& state) const { return core_.validate(state); }
    void restore(const I8254Core::State& state);

 private:
    uint8_t read(unsigned offset);
    void write(unsigned offset, uint8_t value);
    int64_t now_ns() const { return timers_.clock().now_ns(); }
    void advance(int64_t now);
    void update();
    void arm_timer();

    TimerQueue& timers_;
    I8254Core core_;
    IrqLine output_;
    // The timer does not run again before this; not part of the state.
    int64_t earliest_ns_ = 0;
    Timer timer_;
    state::ComponentOf<I8254, I8254Core::State> component_{{.name = "i8254"}, *this};
    PortRange<I8254, &I8254::read, &I8254::write> ports_;
};

}  // namespace qc::hw
