// SPDX-License-Identifier: GPL-2.0-or-later
//
// The 440FX's PMC: the host bridge with the memory controller's shadowing. Source:
// Intel 82441FX datasheet, chapter 3.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <vector>

#include "hw/i386/shadow_ram.h"
#include "hw/pci/pci_device.h"
#include "state/component_of.h"

namespace qc::hw {

struct I440fxState {
    PciConfigState config;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
    }
};

class I440fx final : public PciDevice {
 public:
    struct Deps {
        const DeviceContext& context;
        // The root of the memory address space, which has only PCI between 640 KiB
        // and 1 MiB, and the RAM to show there: its byte 0 is address 0.
        memory::MemoryRegion& memory_root;
        memory::MemoryRegion& ram;
    };
    explicit I440fx(const Deps& deps);

    std::string_view type_name() const override { return "i440FX"; }
    void reset() override;
    // What controls the memory that stayed on stays as it is.
    void reset_after_sleep() override {}
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    I440fxState save() const { return {config().state()}; }
    Result<void> validate(const I440fxState& state) const { return validate_pci(state.config); }
    void restore(const I440fxState& state);

 private:
    void config_written(uint8_t offset, unsigned size) override;
    void apply();

    ShadowRam shadow_;
    uint8_t smram_control_;
    state::ComponentOf<I440fx, I440fxState> component_{{.name = "I440FX"}, *this};
};

}  // namespace qc::hw
