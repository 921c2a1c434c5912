// SPDX-License-Identifier: GPL-2.0-or-later
//
// The PIIX4's power management function: ACPI registers at the ports that
// firmware chooses, the SCI, soft off and sleep, the power button. Source: Intel 82371AB
// (PIIX4) datasheet, sections 7.1 and 7.2.
//
// SMI# is not connected: configuration byte 5Bh says after reset that system
// management mode is set up, so firmware leaves it alone.
//
// The ports of PCI hot-plug (hw/acpi/pci_hotplug_core.h) and their event, number 1, are no
// part of the chip; they are where QEMU has them.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/acpi/acpi_pm_core.h"
#include "hw/acpi/pci_hotplug.h"
#include "hw/acpi/pci_hotplug_core.h"
#include "hw/acpi/power_management.h"
#include "hw/core/irq_line.h"
#include "hw/core/machine_port.h"
#include "hw/core/port_range.h"
#include "hw/pci/pci_device.h"
#include "memory/io_handler.h"
#include "state/component_of.h"

namespace qc::hw {

struct Piix4PmState {
    PciConfigState config;
    AcpiPmState pm;
    PciHotplugState hotplug;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
        v("pm", s.pm);
        v.since(3, "hotplug", s.hotplug);
    }
};

class Piix4Pm final : public PciDevice,
                      public memory::IoHandler,
                      public PowerManagement,
                      public PciHotplug {
 public:
    Piix4Pm(const DeviceContext& context, MachinePort& machine, const AcpiSleepStates& sleeps);
    ~Piix4Pm() override;

    // IRQ9, level.
    IrqLine& sci() { return sci_; }
    void press_power_button() override;
    void note_rtc_alarm() override;
    bool asleep() const override { return core_.asleep(); }
    bool wakes() const override { return core_.wakes(); }

    bool can(unsigned slot) const override { return (PciHotplugCore::kSlots >> slot & 1) != 0; }
    void plugged(unsigned slot) override;
    void ask_back(unsigned slot) override;
    uint32_t ejected() const override { return hotplug_.ejected(); }
    void taken_away(unsigned slot) override { hotplug_.taken_away(slot); }
    void on_eject(std::function<void()> changed) override { eject_changed_ = std::move(changed); }

    std::string_view type_name() const override { return "PIIX4_PM"; }
    void reset() override;
    void reset_after_sleep() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    // The block at PMBASE.
    std::string_view io_name() const override { return "acpi-pm"; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

    Piix4PmState save() const { return {config().state(), core_.state(), hotplug_.state()}; }
    Result<void> validate(const Piix4PmState& state) const;
    void restore(const Piix4PmState& state);

 private:
    void config_written(uint8_t offset, unsigned size) override;
    uint8_t read_gpe(unsigned offset) { return core_.read_gpe(offset); }
    void write_gpe(unsigned offset, uint8_t value);
    uint8_t read_apm(unsigned offset) { return core_.read_apm(offset); }
    void write_apm(unsigned offset, uint8_t value);
    uint8_t read_hotplug(unsigned offset) { return hotplug_.read(offset); }
    void write_hotplug(unsigned offset, uint8_t value);
    void note_eject();
    int64_t now_ns() const { return context().virtual_timers.clock().now_ns(); }
    void update_mapping();
    void update_outputs();
    void timer_due();

    MachinePort& machine_;
    AcpiPmCore core_;
    PciHotplugCore hotplug_;
    std::function<void()> eject_changed_;
    IrqLine sci_;
    Timer timer_;
    memory::MemoryRegion block_;
    std::optional<uint64_t> mapped_;
    state::ComponentOf<Piix4Pm, Piix4PmState> component_{{.name = "piix4_pm", .version = 3}, *this};
    PortRange<Piix4Pm, &Piix4Pm::read_gpe, &Piix4Pm::write_gpe> gpe_ports_;
    PortRange<Piix4Pm, &Piix4Pm::read_apm, &Piix4Pm::write_apm> apm_ports_;
    PortRange<Piix4Pm, &Piix4Pm::read_hotplug, &Piix4Pm::write_hotplug> hotplug_ports_;
};

}  // namespace qc::hw
