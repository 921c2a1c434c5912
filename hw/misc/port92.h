// SPDX-License-Identifier: GPL-2.0-or-later
//
// Port 92h, "system control port A": fast A20 and fast reset. Source: IBM PS/2
// hardware interface technical reference; 82371SB (PIIX3) datasheet.
//
//   bit 0 a rising edge resets the processor; bit 1 A20; bits 6, 7 a lamp
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/machine_port.h"
#include "hw/core/port_range.h"
#include "hw/misc/a20_gate.h"
#include "state/component_of.h"

namespace qc::hw {

class Port92 final : public Device {
 public:
    struct State {
        uint8_t control = 0;
        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("control", s.control);
        }
    };
    struct Connections {
        MachinePort& machine;
        A20Gate& a20;
    };
    Port92(const DeviceContext& context, const Connections& connections);

    std::string_view type_name() const override { return "port92"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    State save() const { return state_; }
    Result<void> validate(const State& state) const;
    void restore(const State& state);

 private:
    uint8_t read(unsigned) { return state_.control; }
    void write(unsigned offset, uint8_t value);

    MachinePort& machine_;
    A20Gate& a20_;
    State state_;
    state::ComponentOf<Port92, State> component_{{.name = "port92"}, *this};
    PortRange<Port92, &Port92::read, &Port92::write> ports_;
};

}  // namespace qc::hw
