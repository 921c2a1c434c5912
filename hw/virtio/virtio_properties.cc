// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_properties.h"

#include <fmt/core.h>

#include "hw/core/device_type.h"
#include "hw/pci/msix.h"
#include "hw/virtio/virtio_device.h"

namespace qc::hw {

namespace {

using qom::PropertyDef;
using qom::PropertyKind;

constexpr std::string_view kOnOffAuto[] = {"on", "off", "auto"};
constexpr uint64_t kDefaultVectors = 4294967295;

constexpr PropertyDef kProperties[] = {
    {.name = "disable-legacy",
     .kind = PropertyKind::kEnum,
     .description = "no registers for drivers before virtio 1.0",
     .default_value = "auto",
     .enum_values = kOnOffAuto,
     .type_name = "OnOffAuto"},
    {.name = "disable-modern",
     .kind = PropertyKind::kBool,
     .description = "no registers for drivers of virtio 1.0",
     .default_value = false},
    {.name = "event_idx",
     .kind = PropertyKind::kBool,
     .description = "interrupts and notifications by index",
     .default_value = true},
    {.name = "indirect_desc",
     .kind = PropertyKind::kBool,
     .description = "tables of descriptors",
     .default_value = true},
    {.name = "packed",
     .kind = PropertyKind::kBool,
     .description = "packed rings",
     .default_value = false},
    {.name = "queue_reset",
     .kind = PropertyKind::kBool,
     .description = "queues can be reset one by one",
     .default_value = true},
    {.name = "vectors",
     .kind = PropertyKind::kUint32,
     .description = "MSI-X vectors; 0: none; one for each queue and one more",
     .default_value = 4294967295u},
};

}  // namespace

constinit const qom::ObjectType kVirtioPciType{.name = "virtio-pci",
                                               .parent = &kPciDeviceType,
                                               .description = {},
                                               .abstract = true,
                                               .properties = kProperties};

std::string virtio_state_name(PciSlot slot, std::string_view type) {
    return fmt::format("0000:00:{:02x}.{}/{}", slot.device, slot.function, type);
}

Result<VirtioPciOptions> virtio_pci_options(const qom::PropertyValues& properties) {
    VirtioPciOptions options;
    // Both boards plug into a bus of conventional PCI's kind, where "auto" is "off".
    options.legacy = properties.get_string("disable-legacy") != "on";
    options.modern = !properties.get_bool("disable-modern");
    if (!options.legacy && !options.modern) {
        return fail("device cannot work as neither modern nor legacy mode is enabled");
    }
    const bool packed = properties.get_bool("packed");
    if (packed && !options.modern) return fail("packed rings need the modern mode");
    if (packed) options.ring_features |= virtio::kPacked;
    if (properties.get_bool("event_idx")) options.ring_features |= virtio::kEventIndex;
    if (properties.get_bool("indirect_desc")) options.ring_features |= virtio::kIndirect;
    if (options.modern) {
        options.ring_features |= virtio::kVersion1;
        if (properties.get_bool("queue_reset")) options.ring_features |= virtio::kRingReset;
    }
    if (options.legacy) options.ring_features |= virtio::kAnyLayout;
    const uint64_t vectors = properties.get_uint("vectors");
    if (vectors != kDefaultVectors) {
        if (vectors > Msix::kMaxVectors) {
            return fail("{} vectors, at most {} are possible", vectors, Msix::kMaxVectors);
        }
        options.vectors = static_cast<uint16_t>(vectors);
    }
    if (const int64_t place = properties.get_int("addr"); place >= 0) {
        options.slot = PciSlot{static_cast<uint8_t>(place >> 3), static_cast<uint8_t>(place & 7)};
    }
    return options;
}

}  // namespace qc::hw
