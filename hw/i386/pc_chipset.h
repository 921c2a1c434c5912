// SPDX-License-Identifier: GPL-2.0-or-later
//
// What makes one PC machine differ from another: the chips around the PCI bus, with
// the controller of the disks and power management. The ISA devices behind it, the
// interrupt controllers and the firmware's tables are the board's.
//
//   pc:  440FX, PIIX3 with IDE, PIIX4's power management
//   q35: MCH with ECAM, ICH9 with AHCI and SMBus
//
// Threading: machine lock. Owned by PcBoard.
#pragma once

#include <memory>
#include <vector>

#include "hw/acpi/acpi_pm_core.h"
#include "hw/acpi/pci_hotplug.h"
#include "hw/acpi/power_management.h"
#include "hw/core/guest_reports.h"
#include "hw/core/machine_port.h"
#include "hw/i386/pc_chipset_kind.h"
#include "hw/i386/pc_interrupts.h"
#include "hw/i386/pc_memory.h"
#include "hw/ide/ide_disk.h"
#include "hw/isa/isa_irqs.h"

namespace qc::hw {

class PciBus;

class PcChipset {
 public:
    struct Deps {
        const DeviceContext& context;
        PcMemory& memory;
        PcInterrupts& interrupts;
        IsaIrqs& wires;
        MachinePort& machine;
        AcpiSleepStates sleeps = {};
        GuestReports* reports = nullptr;
    };
    static std::unique_ptr<PcChipset> create(PcChipsetKind kind, const Deps& deps);
    virtual ~PcChipset() = default;

    // The functions in their slots, at which QEMU has them.
    virtual Result<void> plug() = 0;
    // While the machine is built.
    virtual void add_disk(const IdeDisk& disk) = 0;
    virtual Device& disk_controller() = 0;
    // Where more functions can be plugged in.
    virtual PciBus& pci_bus() = 0;
    virtual PowerManagement& power() = 0;
    // Null: devices neither come nor go while the machine runs.
    virtual PciHotplug* hotplug() { return nullptr; }

    // In the order of resetting and saving: what other devices depend on, then the
    // others. Wires of its own come last of all.
    virtual std::vector<Device*> bridges() = 0;
    virtual std::vector<Device*> functions() = 0;
    virtual std::vector<Device*> wires() { return {}; }
    // Inputs of the I/O APIC from 16 on, if it uses them.
    virtual IsaIrqs* high_wires() { return nullptr; }
};

// Where the machine's disks are.
IdeDisks::Controller pc_disk_controller(PcChipsetKind kind);
PcRamSplit pc_ram_split(PcChipsetKind kind);

}  // namespace qc::hw
