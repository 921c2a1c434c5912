// SPDX-License-Identifier: GPL-2.0-or-later
//
// The registers of a PC's chipset as SeaBIOS leaves them: power management, the
// configuration window, interrupt routing, IDE decoding; BARs are hw/pci/pci_assignment's.
// Sources: Intel 82441FX (3.2.18), 82371SB (2.2, 2.3) and 82371AB (7.1) datasheets; 82G33
// (316966) 5.1.15; ICH9 (316972) 10.1, 13.1, 19.1.
//
// Threading: machine lock.
#pragma once

#include <cstdint>
#include <vector>

#include "hw/i386/direct/mp_table.h"
#include "hw/i386/pc_chipset_kind.h"
#include "hw/pci/pci_assignment.h"
#include "hw/pci/pci_bus.h"
#include "memory/address_space.h"

namespace qc::hw {

// Where BARs go. RAM ends before, on all machines.
inline constexpr PciWindows kPciWindows{.io = {0xc000, 0x10000},
                                        .memory = {0xe0000000, 0xfeb00000}};

// ISA interrupts that PCI interrupts and the SCI come in on: level-triggered.
inline constexpr uint16_t kPciInterrupts = 1u << 10 | 1u << 11;
inline constexpr uint16_t kSciInterrupt = 1u << 9;

// Everything but BARs, after a reset. The memory below 1 MiB that holds tables can be
// written then.
void set_up_chipset(PcChipsetKind chipset, PciBus& bus);
// From now on it cannot.
void lock_table_memory(PcChipsetKind chipset, PciBus& bus);

// The keyboard tells scan codes of set 1 and interrupts; the mouse is off. Source: IBM
// Personal System/2 Hardware Interface Technical Reference, "Keyboard controller".
void set_up_keyboard(memory::AddressSpace& io);

// Where the interrupt pins of the functions end on the I/O APIC.
std::vector<MpTableConfig::PciPin> list_pci_pins(PcChipsetKind chipset, const PciBus& bus);

}  // namespace qc::hw
