// SPDX-License-Identifier: GPL-2.0-or-later
//
// x87 exceptions as interrupt 13: what the AT had around its coprocessor. Source: 82371SB
// (PIIX3) datasheet, 2.4.6 (coprocessor error register) and FERR#, IGNNE#.
//
//   FERR# -> IRQ 13, until a write to port F0h; from then on IGNNE#, until FERR# goes
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/float_error_pin.h"
#include "hw/core/irq_line.h"
#include "hw/core/port_range.h"
#include "state/component_of.h"

namespace qc::hw {

class FloatError final : public Device, public FloatErrorPin {
 public:
    struct State {
        bool error = false;
        bool ignored = false;
        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("error", s.error);
            v("ignored", s.ignored);
        }
    };
    explicit FloatError(const DeviceContext& context);

    std::string_view type_name() const override { return "float-error"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }
    bool set_error(bool asserted) override;
    IrqLine& irq() { return irq_; }

    State save() const { return state_; }
    Result<void> validate(const State& state) const;
    void restore(const State& state);

 private:
    uint8_t read(unsigned) { return 0xff; }
    void write(unsigned offset, uint8_t value);
    bool interrupts() const { return state_.error && !state_.ignored; }

    IrqLine irq_;
    State state_;
    state::ComponentOf<FloatError, State> component_{{.name = "float-error"}, *this};
    PortRange<FloatError, &FloatError::read, &FloatError::write> ports_;
};

}  // namespace qc::hw
