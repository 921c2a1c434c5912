// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/float_error.h"

#include "hw/misc/trace.h"

namespace qc::hw {

FloatError::FloatError(const DeviceContext& context)
    : ports_(*this, context.io_root, "float-error", 0xf0, 1) {}

bool FloatError::set_error(bool asserted) {
    trace::float_error(asserted, state_.ignored);
    state_.error = asserted;
    if (!asserted) state_.ignored = false;
    irq_.set(interrupts());
    return state_.ignored;
}

void FloatError::write(unsigned, uint8_t) {
    state_.ignored = state_.error;
    irq_.set(interrupts());
}

void FloatError::reset() {
    state_ = {};
    irq_.set(false);
}

Result<void> FloatError::validate(const State& state) const {
    if (state.ignored && !state.error) return fail("an x87 error is ignored that is not there");
    return {};
}

void FloatError::restore(const State& state) {
    state_ = state;
    irq_.restore(interrupts());
}

}  // namespace qc::hw
