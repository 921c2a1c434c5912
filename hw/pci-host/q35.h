// SPDX-License-Identifier: GPL-2.0-or-later
//
// The Q35's MCH: the host bridge with the memory controller's shadowing and the
// window for PCI Express configuration. Source: Intel 3 Series Express Chipset
// Family datasheet (316966), chapter 5 (device 0 registers).
//
// There is no system management mode, hence no TSEG: ESMRAMC's T_EN is fixed at 0.
// SMRAM at 0xa0000 can be opened for everybody, as firmware does.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <vector>

#include "hw/i386/shadow_ram.h"
#include "hw/pci-host/ecam.h"
#include "hw/pci/pci_device.h"
#include "state/component_of.h"

namespace qc::hw {

struct Q35MchState {
    PciConfigState config;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
    }
};

class Q35Mch final : public PciDevice {
 public:
    struct Deps {
        const DeviceContext& context;
        // The root of the memory address space, which has only PCI between 640 KiB
        // and 1 MiB, what answers where no RAM does, and the RAM from address 0 on.
        memory::MemoryRegion& memory_root;
        memory::MemoryRegion& pci_window;
        memory::MemoryRegion& ram;
        PciBus& bus;
    };
    explicit Q35Mch(const Deps& deps);

    // Where PCIEXBAR says that the configuration window is; nothing while disabled.
    std::optional<Ecam::Place> ecam_place() const;

    std::string_view type_name() const override { return "mch"; }
    void reset() override;
    // What controls the memory that stayed on stays as it is.
    void reset_after_sleep() override {}
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    Q35MchState save() const { return {config().state()}; }
    Result<void> validate(const Q35MchState& state) const { return validate_pci(state.config); }
    void restore(const Q35MchState& state);

 private:
    void config_written(uint8_t offset, unsigned size) override;
    void apply();

    ShadowRam shadow_;
    Ecam ecam_;
    uint8_t smram_control_;
    state::ComponentOf<Q35Mch, Q35MchState> component_{{.name = "mch"}, *this};
};

}  // namespace qc::hw
