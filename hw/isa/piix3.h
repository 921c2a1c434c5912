// SPDX-License-Identifier: GPL-2.0-or-later
//
// The PIIX3 PCI-to-ISA bridge: routing of the four PIRQ# wires to ISA interrupts,
// the reset control register, and the registers that firmware sets up and reads
// back. Source: Intel 82371FB (PIIX) and 82371SB (PIIX3) datasheet, sections 2.2
// and 2.5.5.2 (RC).
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <array>
#include <vector>

#include "hw/core/machine_port.h"
#include "hw/isa/isa_irqs.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_host.h"
#include "state/component_of.h"

namespace qc::hw {

struct Piix3State {
    PciConfigState config;
    uint8_t reset_control = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
        v("reset_control", s.reset_control);
    }
};

class Piix3 final : public PciDevice,
                    public PciInterruptRouter,
                    public IsaIrqs::Driver,
                    public ResetControlPort {
 public:
    struct Deps {
        const DeviceContext& context;
        IsaIrqs& irqs;
        MachinePort& machine;
    };
    explicit Piix3(const Deps& deps);

    // The ISA interrupt that a PIRQ# wire is routed to, or nothing.
    std::optional<unsigned> routed_to(unsigned pirq) const;

    std::string_view type_name() const override { return "PIIX3"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    void pin_connected(unsigned pirq, const IrqLine& pin) override;
    void pin_disconnected(unsigned pirq, const IrqLine& pin) override;
    void pin_changed(unsigned pirq) override;
    bool drives(unsigned irq) const override;

    uint8_t read_reset_control() override { return reset_control_; }
    void write_reset_control(uint8_t value) override;

    Piix3State save() const { return {config().state(), reset_control_}; }
    Result<void> validate(const Piix3State& state) const;
    void restore(const Piix3State& state);

 private:
    void config_written(uint8_t offset, unsigned size) override;

    IsaIrqs& irqs_;
    MachinePort& machine_;
    uint8_t reset_control_ = 0;
    std::array<std::vector<const IrqLine*>, 4> pins_;
    state::ComponentOf<Piix3, Piix3State> component_{{.name = "PIIX3"}, *this};
};

}  // namespace qc::hw
