// SPDX-License-Identifier: GPL-2.0-or-later
//
// query-pci.
#include <algorithm>

#include "hw/pci/pci_bus.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_pci.h"
#include "system/machine.h"
#include "util/machine_lock.h"

namespace qc::qapi {

namespace {

// Base class and subclass; source: PCI Local Bus Specification 3.0, appendix D.
struct ClassName {
    uint16_t number;
    std::string_view text;
};
constexpr ClassName kClassNames[] = {
    {0x0100, "SCSI controller"},
    {0x0101, "IDE controller"},
    {0x0102, "Floppy controller"},
    {0x0104, "RAID controller"},
    {0x0106, "SATA controller"},
    {0x0180, "Storage controller"},
    {0x0200, "Ethernet controller"},
    {0x0300, "VGA controller"},
    {0x0401, "Audio controller"},
    {0x0600, "Host bridge"},
    {0x0601, "ISA bridge"},
    {0x0604, "PCI bridge"},
    {0x0680, "Bridge"},
    {0x0700, "Serial port"},
    {0x0780, "Communication device"},
    {0x0c03, "USB controller"},
    {0x0c05, "SMBus"},
};

PciDeviceClass class_of(const hw::PciConfig& config) {
    // The byte before them is the programming interface.
    const uint16_t number = config.word(hw::pci::kClassCode + 1);
    PciDeviceClass info{.class_ = number};
    const auto* const found = std::ranges::find(kClassNames, number, &ClassName::number);
    if (found != std::end(kClassNames)) info.desc = found->text;
    return info;
}

std::vector<PciMemoryRegion> regions_of(const hw::PciConfig& config) {
    using Space = hw::PciBarSpec::Space;
    std::vector<PciMemoryRegion> regions;
    for (unsigned index = 0; index < hw::kPciBarCount; ++index) {
        const std::optional<hw::PciBarSpec>& bar = config.bar(index);
        if (!bar) continue;
        const std::optional<uint64_t> address = config.bar_address(index);
        PciMemoryRegion& region = regions.emplace_back();
        region.bar = index;
        region.size = bar->size;
        region.address = address ? static_cast<int64_t>(*address) : -1;
        region.type = bar->space == Space::kIo ? "io" : "memory";
        if (bar->space == Space::kIo) continue;
        region.prefetch = bar->space == Space::kMemory64;
        region.mem_type_64 = bar->space == Space::kMemory64;
    }
    return regions;
}

PciDeviceInfo describe(const hw::PciConfig& config, uint8_t bus, hw::PciSlot slot) {
    namespace pci = hw::pci;
    PciDeviceInfo info{.bus = bus,
                       .slot = slot.device,
                       .function = slot.function,
                       .class_info = class_of(config),
                       .irq_pin = config.byte(pci::kInterruptPin),
                       .regions = regions_of(config)};
    info.id = {.device = config.word(pci::kDeviceId),
               .vendor = config.word(pci::kVendorId),
               .subsystem = config.word(pci::kSubsystemId),
               .subsystem_vendor = config.word(pci::kSubsystemVendorId)};
    if (info.irq_pin != 0) info.irq = config.byte(pci::kInterruptLine);
    return info;
}

}  // namespace

Result<std::vector<PciInfo>> qmp_query_pci(monitor::MonitorContext& context) {
    hw::PciBus* const bus = context.machine->pci_bus();
    if (bus == nullptr) return std::vector<PciInfo>();
    const MachineLockGuard guard(*context.machine_lock);
    PciInfo info{.bus = bus->number()};
    for (unsigned devfn = 0; devfn < 256; ++devfn) {
        const hw::PciSlot slot{.device = static_cast<uint8_t>(devfn >> 3),
                               .function = static_cast<uint8_t>(devfn & 7)};
        const hw::PciDevice* const device = bus->device(slot);
        if (device == nullptr) continue;
        info.devices.push_back(describe(device->config(), bus->number(), slot));
        info.devices.back().qdev_id = context.machine->device_id(*device);
    }
    return std::vector<PciInfo>{std::move(info)};
}

}  // namespace qc::qapi
