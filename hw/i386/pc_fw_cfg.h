// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the board tells the firmware through fw_cfg.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "hw/acpi/acpi_pm_core.h"
#include "hw/acpi/table_loader.h"
#include "hw/i386/boot_files.h"
#include "hw/i386/pc_chipset_kind.h"
#include "hw/i386/pc_cpus.h"
#include "hw/i386/pc_virtio.h"
#include "hw/ide/ide_disk.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/smbios/smbios_config.h"
#include "hw/smbios/smbios_tables.h"

namespace qc::hw {

struct PcFwCfgConfig {
    uint64_t ram_below_4g = 0;
    uint64_t ram_above_4g = 0;
    PcCpus cpus = PcCpus::flat(1);
    PcNuma numa = {};
    bool hpet = true;
    std::optional<std::array<uint8_t, 16>> uuid;
    const IdeDisks* disks = nullptr;
    // Of other controllers; no index twice.
    std::span<const BootEntry> boot_entries = {};
    bool boot_menu = false;
    bool boot_strict = false;
    // How long the menu waits for a key; how long until a failed boot is tried again (never).
    std::optional<uint16_t> boot_menu_wait_ms = {};
    std::optional<uint16_t> boot_retry_ms = {};
    PcChipsetKind chipset = PcChipsetKind::kI440fx;
    uint16_t pvpanic_port = 0;  // 0: there is none
    uint8_t serial_ports = 0;   // bit n: port n exists
    const KernelFiles* kernel_files = nullptr;
    const SmbiosConfig* smbios = nullptr;  // null: no tables
    uint64_t processor_id = 0;             // CPUID leaf 1: EAX, EDX
    AcpiSleepStates sleeps = {};
};

// Tables, which firmware puts into memory.
struct PcFirmwareFiles {
    AcpiTables::Files acpi;
    std::optional<SmbiosFiles> smbios;
};
// An error is about what SMBIOS is to say.
Result<PcFirmwareFiles> make_firmware_files(const PcFwCfgConfig& config);

// An error is about the kernel, or what SMBIOS is to say.
Result<void> fill_fw_cfg(FwCfg& fw_cfg, const PcFwCfgConfig& config);

}  // namespace qc::hw
