// SPDX-License-Identifier: GPL-2.0-or-later
//
// The keyboard controller on ports 60h and 64h, with its keyboard and mouse. See
// hw/input/i8042_core.h.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/irq_line.h"
#include "hw/core/machine_port.h"
#include "hw/core/port_range.h"
#include "hw/input/i8042_core.h"
#include "hw/misc/a20_gate.h"
#include "state/component_of.h"

namespace qc::hw {

class I8042 final : public Device {
 public:
    struct Connections {
        MachinePort& machine;
        A20Gate& a20;
    };
    I8042(const DeviceContext& context, const Connections& connections);

    IrqLine& keyboard_irq() { return keyboard_irq_; }  // IRQ 1
    IrqLine& mouse_irq() { return mouse_irq_; }        // IRQ 12

    // What a user does.
    void key(KeyNumber number, bool down);
    void move_mouse(int32_t dx, int32_t dy, int32_t dz);
    void set_mouse_buttons(uint8_t buttons);

    std::string_view type_name() const override { return "i8042"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    // For the component.
    I8042Core::State save() const { return core_.state(); }
    Result<void> validate(const I8042Core::State& state) const { return core_.validate(state); }
    void restore(const I8042Core::State& state);

 private:
    uint8_t read_data(unsigned offset);
    void write_data(unsigned offset, uint8_t value);
    uint8_t read_status(unsigned offset);
    void write_command(unsigned offset, uint8_t value);
    int64_t now_ns() const { return timers_.clock().now_ns(); }
    void update();
    void set_irqs();
    void arm_timer();

    TimerQueue& timers_;
    MachinePort& machine_;
    A20Gate& a20_;
    I8042Core core_;
    IrqLine keyboard_irq_;
    IrqLine mouse_irq_;
    Timer timer_;
    state::ComponentOf<I8042, I8042Core::State> component_{{.name = "pckbd"}, *this};
    PortRange<I8042, &I8042::read_data, &I8042::write_data> data_port_;
    PortRange<I8042, &I8042::read_status, &I8042::write_command> command_port_;
};

}  // namespace qc::hw
