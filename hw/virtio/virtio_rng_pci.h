// SPDX-License-Identifier: GPL-2.0-or-later
//
// `virtio-rng-pci`: a VirtioRng on PCI, and its properties.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <memory>

#include "hw/virtio/virtio_pci.h"
#include "hw/virtio/virtio_properties.h"
#include "hw/virtio/virtio_rng.h"
#include "state/component_of.h"

namespace qc::hw {

extern const qom::ObjectType kVirtioRngPciType;

struct VirtioRngPciState {
    VirtioPciState pci;
    VirtioRngState rng;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("pci", s.pci);
        v("rng", s.rng);
    }
};

class VirtioRngPci final : public VirtioPci {
 public:
    struct Config {
        VirtioPciOptions pci;
        VirtioRng::Config rng;
    };
    static Result<Config> parse(const qom::PropertyValues& properties);

    // `slot` is where it will be plugged in; the state is named after it.
    VirtioRngPci(const DeviceContext& context, MsiPort& msi, const Config& config, PciSlot slot,
                 std::shared_ptr<EntropySource> source);

    std::string_view type_name() const override { return "virtio-rng-pci"; }
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    VirtioRngPciState save() const { return {.pci = save_virtio(), .rng = rng_.save_rng()}; }
    Result<void> validate(const VirtioRngPciState& state) const;
    void restore(const VirtioRngPciState& state);

 private:
    VirtioRng rng_;
    state::ComponentOf<VirtioRngPci, VirtioRngPciState> component_;
};

}  // namespace qc::hw
