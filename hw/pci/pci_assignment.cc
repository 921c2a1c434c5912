// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_assignment.h"

#include <algorithm>
#include <tuple>

namespace qc::hw {

namespace {

PciSlot slot_of(uint8_t devfn) {
    return {static_cast<uint8_t>(devfn >> 3), static_cast<uint8_t>(devfn & 7)};
}

bool is_io(const PciBarSpec& bar) {
    return bar.space == PciBarSpec::Space::kIo;
}

}  // namespace

std::vector<PciBarNeed> list_bars(const PciBus& bus) {
    std::vector<PciBarNeed> needs;
    for (unsigned devfn = 0; devfn < 256; ++devfn) {
        const PciDevice* device = bus.device(slot_of(static_cast<uint8_t>(devfn)));
        if (device == nullptr) continue;
        for (unsigned index = 0; index < kPciBarCount; ++index) {
            const auto& bar = device->config().bar(index);
            if (bar) needs.push_back({static_cast<uint8_t>(devfn), *bar});
        }
    }
    return needs;
}

Result<std::vector<PciBarPlace>> place_bars(std::span<const PciBarNeed> needs,
                                            const PciWindows& windows) {
    std::vector<PciBarNeed> sorted(needs.begin(), needs.end());
    // The largest first, so that none leaves a gap before it.
    std::ranges::sort(sorted, {}, [](const PciBarNeed& need) {
        return std::tuple(~need.bar.size, need.devfn, need.bar.index);
    });
    uint64_t next_io = windows.io.start;
    uint64_t next_memory = windows.memory.start;
    std::vector<PciBarPlace> places;
    for (const PciBarNeed& need : sorted) {
        const bool io = is_io(need.bar);
        uint64_t& next = io ? next_io : next_memory;
        const uint64_t size = need.bar.size;
        const uint64_t address = (next + size - 1) / size * size;
        if (address + size > (io ? windows.io : windows.memory).end) {
            return fail("PCI: no room for the {:#x} {} of BAR {} of function {:02x}.{:x}", size,
                        io ? "ports" : "bytes", need.bar.index, need.devfn >> 3, need.devfn & 7);
        }
        places.push_back({need, static_cast<uint32_t>(address)});
        next = address + size;
    }
    return places;
}

void assign_bars(PciBus& bus, std::span<const PciBarPlace> places) {
    for (const PciBarPlace& place : places) {
        const auto at = static_cast<uint8_t>(pci::kBar0 + 4 * place.need.bar.index);
        bus.config_write(place.need.devfn, at, 4, place.address);
        if (place.need.bar.space == PciBarSpec::Space::kMemory64) {
            bus.config_write(place.need.devfn, static_cast<uint8_t>(at + 4), 4, 0);
        }
    }
    for (unsigned devfn = 0; devfn < 256; ++devfn) {
        const auto number = static_cast<uint8_t>(devfn);
        PciDevice* device = bus.device(slot_of(number));
        if (device == nullptr) continue;
        const uint32_t command = device->config().word(pci::kCommand);
        bus.config_write(number, pci::kCommand, 2, command | pci::kCommandIo | pci::kCommandMemory);
    }
}

}  // namespace qc::hw
