// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ACPI tables of a PC: FACS, FADT, MADT, HPET, MCFG (q35), SRAT and SLIT (with NUMA
// nodes), the DSDT out of ASL, and
// an SSDT with what the DSDT wants to know about this machine. Source: ACPI
// specification 6.5, 5.2; PCI firmware specification 3.2, 4.1.2 (MCFG); IA-PC HPET
// specification 1.0a, 3.2.4.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <cstdint>

#include "hw/acpi/acpi_pm_core.h"
#include "hw/acpi/table_loader.h"
#include "hw/i386/pc_chipset_kind.h"
#include "hw/i386/pc_cpus.h"

namespace qc::hw {

struct PcAcpiConfig {
    PcChipsetKind chipset = PcChipsetKind::kI440fx;
    uint64_t ram_below_4g = 0;
    uint64_t ram_above_4g = 0;
    PcCpus cpus = PcCpus::flat(1);
    PcNuma numa = {};
    bool hpet = true;
    uint8_t serial_ports = 0;   // bit n: port n exists, 0 to 3
    uint16_t pvpanic_port = 0;  // 0: there is none
    AcpiSleepStates sleeps = {};
};

AcpiTables::Files make_pc_acpi(const PcAcpiConfig& config);

}  // namespace qc::hw
