// SPDX-License-Identifier: GPL-2.0-or-later
//
// All that firmware leaves in memory: the ACPI tables, SMBIOS, the MP table, and the
// BIOS's data at 400h.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <vector>

#include "hw/i386/direct/boot_pieces.h"
#include "hw/i386/direct/mp_table.h"
#include "hw/i386/pc_fw_cfg.h"
#include "util/result.h"

namespace qc::hw {

struct FirmwareTables {
    std::vector<BootPiece> pieces;
    BootFacts facts;
};

// An error: there are more tables than room for them.
Result<FirmwareTables> make_firmware_tables(const PcFwCfgConfig& machine,
                                            std::vector<MpTableConfig::PciPin> pci_pins);

}  // namespace qc::hw
