// SPDX-License-Identifier: GPL-2.0-or-later
//
// `virtio-blk-pci`: a VirtioBlk on PCI, and its properties.
//
// Threading: machine lock. Owned by the board; its disk outlives it.
#pragma once

#include <optional>
#include <string>

#include "hw/virtio/virtio_blk.h"
#include "hw/virtio/virtio_pci.h"
#include "hw/virtio/virtio_properties.h"
#include "state/component_of.h"

namespace qc::hw {

extern const qom::ObjectType kVirtioBlkPciType;

struct VirtioBlkPciState {
    VirtioPciState pci;
    VirtioBlkState blk;
    uint64_t capacity = 0;  // bytes, to tell another disk's state

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("pci", s.pci);
        v("blk", s.blk);
        v("capacity", s.capacity);
    }
};

class VirtioBlkPci final : public VirtioPci {
 public:
    struct Config {
        VirtioPciOptions pci;
        VirtioBlk::Config blk;
        std::optional<uint32_t> boot_index;
    };
    // Errors name the property. `queues`: how many there are unless the user says it.
    static Result<Config> parse(const qom::PropertyValues& properties, unsigned queues);

    // `slot` is where it will be plugged in; the state is named after it.
    VirtioBlkPci(const DeviceContext& context, MsiPort& msi, const Config& config, PciSlot slot,
                 block::BlockDevice& disk);

    std::string_view type_name() const override { return "virtio-blk-pci"; }
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }
    void settle_properties(qom::PropertyValues& properties) const override;

    VirtioBlkPciState save() const;
    Result<void> validate(const VirtioBlkPciState& state) const;
    void restore(const VirtioBlkPciState& state);

 private:
    const VirtioBlk::Config blk_config_;
    block::BlockDevice& disk_;
    VirtioBlk blk_;
    state::ComponentOf<VirtioBlkPci, VirtioBlkPciState> component_;
};

}  // namespace qc::hw
