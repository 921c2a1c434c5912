// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/i8259.h"

#include "hw/intc/trace.h"

namespace qc::hw {

namespace {
constexpr unsigned kTimerIrq = 0;
}  // namespace

I8259::I8259(const DeviceContext& context)
    : master_ports_(*this, context.io_root, "pic", 0x20, 2),
      slave_ports_(*this, context.io_root, "pic", 0xa0, 2),
      elcr_ports_(*this, context.io_root, "elcr", 0x4d0, 2) {}

void I8259::set_irq(unsigned irq, bool level) {
    if (irq > 15) return;
    const I8259Core& master = pair_.chip(0);
    if (irq == kTimerIrq && level && !master.line(kTimerIrq)) {
        owed_.tick(master.edge_waits(kTimerIrq));
    }
    pair_.set_irq(irq, level);
    update_output();
}

uint8_t I8259::acknowledge() {
    const uint8_t vector = pair_.acknowledge();
    trace::pic_acknowledge(vector);
    if (vector == pair_.chip(0).vector(kTimerIrq) && owed_.pay()) {
        const bool level = pair_.chip(0).line(kTimerIrq);
        for (const bool next : {false, true, level})
            pair_.set_irq(kTimerIrq, next);
    }
    update_output();
    return vector;
}

void I8259::reset() {
    pair_.reset();
    owed_.forget();
    update_output();
}

std::vector<state::StateComponent*> I8259::state_components() {
    return {&master_state_, &slave_state_};
}

Result<void> I8259::Chip::validate(const I8259ChipState& state) const {
    TRY(core.validate(state.core));
    if (!owed && state.owed_ticks != 0) return fail("the slave has no timer");
    return OwedTicks::validate(state.owed_ticks);
}

// The cascade's level is part of the master's state, and the output's level part
// of the state of what it leads to.
void I8259::Chip::restore(const I8259ChipState& state) {
    core.restore(state.core);
    if (owed) owed->restore(state.owed_ticks);
    shell.output_.restore(shell.pair_.output());
}

uint8_t I8259::read_chip(unsigned chip, unsigned offset) {
    const uint8_t value = pair_.read(chip, offset);
    update_output();
    return value;
}

void I8259::write_chip(unsigned chip, unsigned offset, uint8_t value) {
    pair_.write(chip, offset, value);
    update_output();
}

void I8259::write_elcr(unsigned offset, uint8_t value) {
    pair_.set_elcr(offset, value);
    update_output();
}

}  // namespace qc::hw
