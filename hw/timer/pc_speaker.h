// SPDX-License-Identifier: GPL-2.0-or-later
//
// Port 61h, "NMI status and control": the gate of the PIT's counter 2 and the
// speaker's enable bit, and what can be read beside them. Source: 82371SB (PIIX3)
// datasheet, NMISC register. There is no sound.
//
//   bit 0 counter 2's gate   bit 4 toggles with every refresh request (15 us)
//   bit 1 speaker enable     bit 5 counter 2's OUT
//   bits 2, 3 NMI masks      bits 6, 7 NMI sources: never set here
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/kernel_irqchip.h"
#include "hw/core/port_range.h"
#include "hw/timer/pit_channel2.h"
#include "state/component_of.h"

namespace qc::hw {

// The PIT in the host's kernel.
class KernelPitChannel2 final : public PitChannel2 {
 public:
    explicit KernelPitChannel2(KernelIrqchip& irqchip) : irqchip_(irqchip) {}
    void set_channel2_gate(bool gate) override { irqchip_.set_pit_channel2_gate(gate); }
    bool channel2_output() override { return irqchip_.pit_channel2_output(); }

 private:
    KernelIrqchip& irqchip_;
};

class PcSpeaker final : public Device {
 public:
    struct State {
        uint8_t control = 0;  // bits 0-3
        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("control", s.control);
        }
    };

    // The gate itself is part of the PIT's state.
    PcSpeaker(const DeviceContext& context, PitChannel2& pit);

    std::string_view type_name() const override { return "isa-pcspk"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    State save() const { return state_; }
    Result<void> validate(const State& state) const;
    void restore(const State& state) { state_ = state; }

 private:
    uint8_t read(unsigned offset);
    void write(unsigned offset, uint8_t value);

    const Clock& clock_;
    PitChannel2& pit_;
    State state_;
    state::ComponentOf<PcSpeaker, State> component_{{.name = "pcspk"}, *this};
    PortRange<PcSpeaker, &PcSpeaker::read, &PcSpeaker::write> ports_;
};

}  // namespace qc::hw
