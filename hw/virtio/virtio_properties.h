// SPDX-License-Identifier: GPL-2.0-or-later
//
// The properties that every virtio device on PCI has, and what they say.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hw/pci/pci_bus.h"
#include "qom/object_type.h"

namespace qc::hw {

// The abstract parent of the types; it declares the properties.
extern const qom::ObjectType kVirtioPciType;

struct VirtioPciOptions {
    bool legacy = true;
    bool modern = true;
    uint64_t ring_features = 0;
    std::optional<uint16_t> vectors;  // 0: no MSI-X
    std::optional<PciSlot> slot;
};

Result<VirtioPciOptions> virtio_pci_options(const qom::PropertyValues& properties);

// The name of a function's state: its place on the bus, as QEMU writes it, and `type`.
std::string virtio_state_name(PciSlot slot, std::string_view type);

}  // namespace qc::hw
