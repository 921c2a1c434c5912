// SPDX-License-Identifier: GPL-2.0-or-later
//
// The SMBIOS tables of a machine and the entry point for them, as the firmware takes
// them from fw_cfg: it puts both into memory and fills in the address. Source: SMBIOS
// reference specification 2.8 (DSP0134), chapters 5 to 7; QEMU's fw_cfg files.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "hw/smbios/smbios_config.h"
#include "util/result.h"

namespace qc::hw {

inline constexpr std::string_view kSmbiosTablesFile = "etc/smbios/smbios-tables";
inline constexpr std::string_view kSmbiosAnchorFile = "etc/smbios/smbios-anchor";

// What is not a matter of choice.
struct SmbiosMachine {
    std::array<uint8_t, 16> uuid{};  // in the order of its text
    unsigned sockets = 1;
    unsigned cores_per_socket = 1;
    unsigned threads_per_core = 1;
    uint64_t processor_id = 0;  // CPUID leaf 1: EAX, EDX
    uint64_t ram_below_4g = 0;
    uint64_t ram_above_4g = 0;
};

struct SmbiosFiles {
    std::vector<std::byte> tables;
    std::vector<std::byte> anchor;
};

// An error: texts or tables that are too long for SMBIOS.
Result<SmbiosFiles> make_smbios(const SmbiosConfig& config, const SmbiosMachine& machine);

}  // namespace qc::hw
