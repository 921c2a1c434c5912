// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_chipset.h"

#include "hw/acpi/piix4_pm.h"
#include "hw/i2c/smbus_ich9.h"
#include "hw/i386/i440fx.h"
#include "hw/ide/ahci.h"
#include "hw/ide/piix3_ide.h"
#include "hw/isa/ich9_lpc.h"
#include "hw/isa/piix3.h"
#include "hw/pci-host/q35.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_host.h"

namespace qc::hw {

namespace {

constexpr unsigned kSciIrq = 9;
constexpr unsigned kFirstIdeIrq = 14;

class I440fxChipset final : public PcChipset {
 public:
    explicit I440fxChipset(const Deps& deps)
        : pci_(0, deps.memory.pci(), deps.context.io_root),
          pci_host_(deps.context, pci_),
          host_bridge_({deps.context, deps.memory.root(), deps.memory.ram()}),
          isa_bridge_({deps.context, deps.wires, deps.machine}),
          ide_(deps.context),
          pm_(deps.context, deps.machine, deps.sleeps) {
        deps.wires.connect(kSciIrq, pm_.sci());
        deps.wires.connect(kFirstIdeIrq, ide_.irq(0));
        deps.wires.connect(kFirstIdeIrq + 1, ide_.irq(1));
        pci_host_.set_reset_control(isa_bridge_);
        pci_.set_interrupt_router(isa_bridge_);
    }

    Result<void> plug() override {
        TRY(pci_.plug(host_bridge_, {0, 0}));
        TRY(pci_.plug(isa_bridge_, {1, 0}));
        TRY(pci_.plug(ide_, {1, 1}));
        TRY(pci_.plug(pm_, {1, 3}));
        return {};
    }
    void add_disk(const IdeDisk& disk) override {
        if (disk.cdrom) {
            ide_.add_cdrom(disk.channel, disk.unit, *disk.cdrom, *disk.backend);
        } else {
            ide_.add_disk(disk.channel, disk.unit, disk.config, *disk.backend);
        }
    }
    Device& disk_controller() override { return ide_; }
    PciBus& pci_bus() override { return pci_; }
    PowerManagement& power() override { return pm_; }
    PciHotplug* hotplug() override { return &pm_; }
    std::vector<Device*> bridges() override { return {&pci_host_, &host_bridge_, &isa_bridge_}; }
    std::vector<Device*> functions() override { return {&ide_, &pm_}; }

 private:
    PciBus pci_;
    PciHost pci_host_;
    I440fx host_bridge_;
    Piix3 isa_bridge_;
    Piix3Ide ide_;
    Piix4Pm pm_;
};

class Q35Chipset final : public PcChipset {
 public:
    explicit Q35Chipset(const Deps& deps)
        : interrupts_(deps.interrupts),
          pirq_pins_(
              [this](unsigned wire, bool level) {
                  if (wire < Ich9Lpc::kPirqs) {
                      interrupts_.set_irq(Ich9Lpc::kFirstPirqPin + wire, level);
                  }
              },
              1),
          pci_(0, deps.memory.pci(), deps.context.io_root),
          pci_host_(deps.context, pci_, "q35-pcihost"),
          host_bridge_(
              {deps.context, deps.memory.root(), deps.memory.pci(), deps.memory.ram(), pci_}),
          lpc_({deps.context, deps.memory.pci(), deps.wires, pirq_pins_, deps.machine, deps.sleeps,
                deps.reports}),
          ahci_(deps.context, deps.interrupts),
          smbus_(deps.context) {
        pci_host_.set_reset_control(lpc_);
        pci_.set_interrupt_router(lpc_);
    }

    Result<void> plug() override {
        TRY(pci_.plug(host_bridge_, {0, 0}));
        TRY(pci_.plug(lpc_, {31, 0}));
        TRY(pci_.plug(ahci_, {31, 2}));
        TRY(pci_.plug(smbus_, {31, 3}));
        return {};
    }
    void add_disk(const IdeDisk& disk) override {
        if (disk.cdrom) {
            ahci_.add_cdrom(disk.channel, *disk.cdrom, *disk.backend);
        } else {
            ahci_.add_disk(disk.channel, disk.config, *disk.backend);
        }
    }
    Device& disk_controller() override { return ahci_; }
    PciBus& pci_bus() override { return pci_; }
    PowerManagement& power() override { return lpc_; }
    std::vector<Device*> bridges() override { return {&pci_host_, &host_bridge_, &lpc_}; }
    std::vector<Device*> functions() override { return {&ahci_, &smbus_}; }
    std::vector<Device*> wires() override { return {&pirq_pins_}; }
    IsaIrqs* high_wires() override { return &pirq_pins_; }

 private:
    PcInterrupts& interrupts_;
    IsaIrqs pirq_pins_;
    PciBus pci_;
    PciHost pci_host_;
    Q35Mch host_bridge_;
    Ich9Lpc lpc_;
    Ahci ahci_;
    Ich9Smbus smbus_;
};

}  // namespace

std::unique_ptr<PcChipset> PcChipset::create(PcChipsetKind kind, const Deps& deps) {
    if (kind == PcChipsetKind::kQ35) return std::make_unique<Q35Chipset>(deps);
    return std::make_unique<I440fxChipset>(deps);
}

IdeDisks::Controller pc_disk_controller(PcChipsetKind kind) {
    return {.layout = pc_ide_layout(kind),
            .firmware_path = kind == PcChipsetKind::kQ35 ? "/pci@i0cf8/pci8086,2922@1f,2"
                                                         : "/pci@i0cf8/ide@1,1"};
}

PcRamSplit pc_ram_split(PcChipsetKind kind) {
    return kind == PcChipsetKind::kQ35 ? kQ35RamSplit : PcRamSplit{};
}

}  // namespace qc::hw
