// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ICH9's LPC bridge: routing of eight PIRQ# wires to ISA interrupts and to I/O
// APIC pins 16 to 23, power management at PMBASE with its SCI, the chipset
// configuration window at RCBA, the reset control register. Source: Intel I/O
// Controller Hub 9 datasheet (316972), chapters 10 and 13.
//
//   INTx# pin --(DxxIR)--> PIRQA#..PIRQH# --+--(PIRQx_ROUT)--> ISA wire
//                                           +--> I/O APIC pin 16 + x
//   SCI ------(SCI_IRQ_SEL)--> ISA wire 9, 10, 11 or pin 20, 21
//
// ISA devices answer always, whatever LPC_EN says, as under QEMU.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <array>
#include <vector>

#include "hw/acpi/ich9_pm_core.h"
#include "hw/acpi/power_management.h"
#include "hw/core/guest_reports.h"
#include "hw/core/machine_port.h"
#include "hw/core/port_range.h"
#include "hw/isa/ich9_chipset_config.h"
#include "hw/isa/isa_irqs.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_host.h"
#include "state/component_of.h"

namespace qc::hw {

struct Ich9LpcState {
    PciConfigState config;
    Ich9PmState pm;
    Ich9ChipsetConfigState chipset;
    uint8_t reset_control = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
        v("pm", s.pm);
        v("chipset", s.chipset);
        v("reset_control", s.reset_control);
    }
};

class Ich9Lpc final : public PciDevice,
                      public PciInterruptRouter,
                      public ResetControlPort,
                      public PowerManagement {
 public:
    static constexpr unsigned kPirqs = 8;
    static constexpr unsigned kFirstPirqPin = 16;

    struct Deps {
        const DeviceContext& context;
        memory::MemoryRegion& pci_window;
        IsaIrqs& irqs;
        // Its wires 0 to 7 are pins 16 to 23 of the I/O APIC.
        IsaIrqs& pirq_pins;
        MachinePort& machine;
        AcpiSleepStates sleeps = {};
        // Told when the watchdog expires; null: the machine is reset.
        GuestReports* reports = nullptr;
    };
    explicit Ich9Lpc(const Deps& deps);
    ~Ich9Lpc() override;

    void press_power_button() override;
    void note_rtc_alarm() override;
    bool asleep() const override { return pm_.asleep(); }
    bool wakes() const override { return pm_.wakes(); }
    // The ISA interrupt that a PIRQ# wire is routed to, or nothing.
    std::optional<unsigned> routed_to(unsigned pirq) const;

    std::string_view type_name() const override { return "ICH9-LPC"; }
    void reset() override;
    void reset_after_sleep() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    // Each pin of each device is an input of its own: DxxIR may send it anywhere.
    unsigned input_of(uint8_t devfn, uint8_t pin) const override;
    void pin_connected(unsigned input, const IrqLine& pin) override;
    void pin_disconnected(unsigned input, const IrqLine& pin) override;
    void pin_changed(unsigned input) override;

    uint8_t read_reset_control() override { return reset_control_; }
    void write_reset_control(uint8_t value) override;

    Ich9LpcState save() const;
    Result<void> validate(const Ich9LpcState& state) const;
    void restore(const Ich9LpcState& state);

 private:
    // The block at PMBASE.
    class PmPorts final : public memory::IoHandler {
     public:
        explicit PmPorts(Ich9Lpc& lpc) : lpc_(lpc) {}
        std::string_view io_name() const override { return "ich9-pm"; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        Ich9Lpc& lpc_;
    };
    // The window at RCBA.
    class ChipsetWindow final : public memory::IoHandler {
     public:
        explicit ChipsetWindow(Ich9Lpc& lpc) : lpc_(lpc) {}
        std::string_view io_name() const override { return "lpc-rcrb-mmio"; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        Ich9Lpc& lpc_;
    };
    struct IsaDriver final : IsaIrqs::Driver {
        explicit IsaDriver(const Ich9Lpc& owner) : lpc(owner) {}
        bool drives(unsigned irq) const override { return lpc.drives_isa(irq); }
        const Ich9Lpc& lpc;
    };
    struct PinDriver final : IsaIrqs::Driver {
        explicit PinDriver(const Ich9Lpc& owner) : lpc(owner) {}
        bool drives(unsigned wire) const override { return lpc.drives_pin(wire); }
        const Ich9Lpc& lpc;
    };
    static constexpr unsigned kInputs = 32 * 4;

    void config_written(uint8_t offset, unsigned size) override;
    bool pirq_level(unsigned pirq) const;
    unsigned sci_wire() const;
    bool drives_isa(unsigned irq) const;
    bool drives_pin(unsigned wire) const;
    void update_wires();
    bool update_pm_mapping();
    bool update_chipset_mapping();
    void update_mappings();
    void update_pm_outputs();
    void advance();
    void arm_timer();
    uint8_t read_apm(unsigned offset) { return pm_.read_apm(offset); }
    void write_apm(unsigned offset, uint8_t value);
    int64_t now_ns() const { return context().virtual_timers.clock().now_ns(); }

    memory::MemoryRegion& pci_window_;
    IsaIrqs& irqs_;
    IsaIrqs& pirq_pins_;
    MachinePort& machine_;
    GuestReports* const reports_;
    Ich9PmCore pm_;
    Ich9ChipsetConfig chipset_;
    uint8_t reset_control_ = 0;
    bool sci_ = false;
    bool smi_locked_ = false;  // as GEN_PMCON_1 says
    Timer timer_;
    std::array<std::vector<const IrqLine*>, kInputs> pins_;
    IsaDriver isa_driver_{*this};
    PinDriver pin_driver_{*this};
    PmPorts pm_ports_{*this};
    ChipsetWindow chipset_window_{*this};
    memory::MemoryRegion pm_region_;
    memory::MemoryRegion chipset_region_;
    std::optional<uint64_t> pm_mapped_;
    std::optional<uint64_t> chipset_mapped_;
    state::ComponentOf<Ich9Lpc, Ich9LpcState> component_{{.name = "ICH9LPC", .version = 2}, *this};
    PortRange<Ich9Lpc, &Ich9Lpc::read_apm, &Ich9Lpc::write_apm> apm_ports_;
};

}  // namespace qc::hw
