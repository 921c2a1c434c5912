// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_virtio.h"

#include <fmt/core.h>

#include <algorithm>

#include "hw/virtio/virtio_blk_pci.h"
#include "hw/virtio/virtio_rng_pci.h"

namespace qc::hw {

namespace {

// A disk on a controller of class SCSI, as SeaBIOS looks for it.
std::string firmware_path(PciSlot slot) {
    const std::string function = slot.function == 0 ? "" : fmt::format(",{:x}", slot.function);
    return fmt::format("/pci@i0cf8/scsi@{:x}{}/disk@0,0", slot.device, function);
}

}  // namespace

bool PcVirtio::knows(const qom::ObjectType& type) {
    return &type == &kVirtioBlkPciType || &type == &kVirtioRngPciType;
}

Result<PciSlot> PcVirtio::place(std::optional<PciSlot> wanted) const {
    if (!wanted) return deps_.bus.free_slot(1);
    if (wanted->function == 0) return *wanted;
    // Nobody would look for it.
    const PciSlot first{wanted->device, 0};
    const PciDevice* head = deps_.bus.device(first);
    if (head != nullptr && (head->config().byte(pci::kHeaderType) & 0x80) != 0) return *wanted;
    return fail("PCI: {:02x}.{} is a further function of a device without multifunction",
                wanted->device, wanted->function);
}

Result<std::unique_ptr<PciDevice>> PcVirtio::make_blk(const qom::PropertyValues& properties,
                                                      block::Drive& drive) {
    const auto config = TRY(VirtioBlkPci::parse(properties, deps_.cpus));
    const uint64_t length = drive.backend->length();
    if (length == 0) return fail("drive '{}' is empty", drive.options.id);
    if (length % config.blk.logical_block_size != 0) {
        return fail("drive '{}' of {} bytes has no whole number of blocks of {}", drive.options.id,
                    length, config.blk.logical_block_size);
    }
    const PciSlot slot = TRY(place(config.pci.slot));
    if (config.boot_index && std::ranges::find(boot_entries_, *config.boot_index,
                                               &BootEntry::index) != boot_entries_.end()) {
        return fail("The bootindex {} has already been used", *config.boot_index);
    }
    auto device =
        std::make_unique<VirtioBlkPci>(deps_.context, deps_.msi, config, slot, *drive.backend);
    TRY(deps_.bus.plug(*device, slot));
    if (config.boot_index) boot_entries_.push_back({*config.boot_index, firmware_path(slot)});
    return device;
}

Result<std::unique_ptr<PciDevice>> PcVirtio::make_rng(const qom::PropertyValues& properties) {
    const auto config = TRY(VirtioRngPci::parse(properties));
    const std::string_view id = properties.get_string("rng");
    std::shared_ptr<EntropySource> source;
    if (id.empty()) {
        source = std::make_shared<BuiltinEntropy>();
    } else {
        if (deps_.find_rng) source = deps_.find_rng(id);
        if (!source) return fail("Device '{}' not found", id);
    }
    const PciSlot slot = TRY(place(config.pci.slot));
    auto device =
        std::make_unique<VirtioRngPci>(deps_.context, deps_.msi, config, slot, std::move(source));
    TRY(deps_.bus.plug(*device, slot));
    return device;
}

Result<std::unique_ptr<PciDevice>> PcVirtio::make(const qom::ObjectType& type,
                                                  const qom::PropertyValues& properties) {
    if (&type == &kVirtioRngPciType) return make_rng(properties);
    const std::string_view id = properties.get_string("drive");
    if (id.empty()) return fail("drive property not set");
    if (deps_.drives.find(id) == nullptr) {
        return fail("Property 'virtio-blk-pci.drive' can't find value '{}'", id);
    }
    block::Drive* drive = TRY(deps_.drives.attach(id));
    auto device = make_blk(properties, *drive);
    if (!device) drive->attached = false;
    return device;
}

Result<std::unique_ptr<PciDevice>> PcVirtio::make_drive(block::Drive& drive,
                                                        const qom::PropertyValues& properties) {
    drive.attached = true;
    return make_blk(properties, drive);
}

}  // namespace qc::hw
