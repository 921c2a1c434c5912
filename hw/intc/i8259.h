// SPDX-License-Identifier: GPL-2.0-or-later
//
// The PC's pair of interrupt controllers on ports 20h-21h, A0h-A1h and the ELCR
// on 4D0h-4D1h. See hw/intc/i8259_core.h.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/irq_line.h"
#include "hw/core/port_range.h"
#include "hw/intc/i8259_core.h"
#include "hw/intc/interrupt_acknowledger.h"
#include "hw/intc/owed_ticks.h"
#include "state/component_of.h"

namespace qc::hw {

// One chip; ticks are owed to the master's guest only.
struct I8259ChipState {
    I8259Core::State core;
    uint8_t owed_ticks = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        I8259Core::State::fields(v, s.core);
        v.since(2, "owed_ticks", s.owed_ticks);
    }
};

class I8259 final : public Device, public InterruptAcknowledger {
 public:
    explicit I8259(const DeviceContext& context);

    // Inputs IRQ 0-15; 2 is the cascade and ignored, as is anything above 15.
    void set_irq(unsigned irq, bool level);
    // The master's INT pin: to the local APICs' LINT0.
    IrqLine& output() { return output_; }
    uint8_t acknowledge() override;

    std::string_view type_name() const override { return "isa-i8259"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override;

 private:
    // One chip as the registry sees it.
    struct Chip {
        I8259& shell;
        I8259Core& core;
        OwedTicks* owed;  // null: the slave
        I8259ChipState save() const { return {core.state(), owed ? owed->count() : uint8_t{0}}; }
        Result<void> validate(const I8259ChipState& state) const;
        void restore(const I8259ChipState& state);
    };

    uint8_t read_chip(unsigned chip, unsigned offset);
    void write_chip(unsigned chip, unsigned offset, uint8_t value);
    uint8_t read_master(unsigned offset) { return read_chip(0, offset); }
    void write_master(unsigned offset, uint8_t value) { write_chip(0, offset, value); }
    uint8_t read_slave(unsigned offset) { return read_chip(1, offset); }
    void write_slave(unsigned offset, uint8_t value) { write_chip(1, offset, value); }
    uint8_t read_elcr(unsigned offset) { return pair_.elcr(offset); }
    void write_elcr(unsigned offset, uint8_t value);
    void update_output() { output_.set(pair_.output()); }

    I8259Pair pair_;
    IrqLine output_;
    OwedTicks owed_;
    Chip master_{*this, pair_.chip(0), &owed_};
    Chip slave_{*this, pair_.chip(1), nullptr};
    state::ComponentOf<Chip, I8259ChipState> master_state_{
        {.name = "i8259", .instance = 0, .version = 2}, master_};
    state::ComponentOf<Chip, I8259ChipState> slave_state_{
        {.name = "i8259", .instance = 1, .version = 2}, slave_};
    PortRange<I8259, &I8259::read_master, &I8259::write_master> master_ports_;
    PortRange<I8259, &I8259::read_slave, &I8259::write_slave> slave_ports_;
    PortRange<I8259, &I8259::read_elcr, &I8259::write_elcr> elcr_ports_;
};

}  // namespace qc::hw
