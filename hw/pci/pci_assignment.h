// SPDX-License-Identifier: GPL-2.0-or-later
//
// Addresses for the BARs of a bus, as firmware gives them: each window is filled from its
// start, the largest BARs first, so that alignment wastes nothing. Source: PCI Local Bus
// Specification 3.0, 6.2.5.
//
// Threading: caller locks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hw/pci/pci_bus.h"
#include "util/result.h"

namespace qc::hw {

struct PciWindow {
    uint32_t start = 0;
    uint32_t end = 0;  // the first address behind it
};
struct PciWindows {
    PciWindow io;
    PciWindow memory;  // also for BARs that could lie above 4 GiB
};

struct PciBarNeed {
    uint8_t devfn = 0;
    PciBarSpec bar{};
};
struct PciBarPlace {
    PciBarNeed need;
    uint32_t address = 0;
};

// Every BAR of every function on the bus.
std::vector<PciBarNeed> list_bars(const PciBus& bus);

// In the order of `needs` within each size. An error names the first that finds no room.
Result<std::vector<PciBarPlace>> place_bars(std::span<const PciBarNeed> needs,
                                            const PciWindows& windows);

// Writes them into the functions' registers and lets the functions answer.
void assign_bars(PciBus& bus, std::span<const PciBarPlace> places);

}  // namespace qc::hw
