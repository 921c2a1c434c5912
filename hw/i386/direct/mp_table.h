// SPDX-License-Identifier: GPL-2.0-or-later
//
// The tables by which operating systems without ACPI find processors and interrupts.
// Source: Intel MultiProcessor Specification 1.4, chapter 4.
//
// Threading: pure functions on plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hw/i386/pc_cpus.h"

namespace qc::hw {

struct MpTableConfig {
    PcCpus cpus = PcCpus::flat(1);
    uint64_t processor_id = 0;  // CPUID leaf 1: EAX, EDX
    struct PciPin {
        uint8_t device = 0;
        uint8_t pin = 0;     // 0 is INTA#
        uint8_t target = 0;  // input of the I/O APIC
    };
    std::vector<PciPin> pci_pins;
    // Inputs that ISA devices do not have: bit n is interrupt n.
    uint16_t taken_by_pci = 0;
};
std::vector<std::byte> make_mp_table(const MpTableConfig& config);

// What the search finds, on 16 bytes below 1 MiB: it points to the table.
std::vector<std::byte> make_mp_pointer(uint32_t table_address);

}  // namespace qc::hw
