// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lists behind `-machine help` and `-accel help`, and what they know.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hw/i386/pc_chipset_kind.h"

namespace qc::system {

struct MachineType {
    std::string_view name;
    std::string_view description;
    std::string_view alias = {};
    // Nothing: the machine has no board, and no processor.
    std::optional<hw::PcChipsetKind> chipset = hw::PcChipsetKind::kI440fx;
    unsigned max_cpus = 255;
    std::string_view default_ram_id = "pc.ram";
    bool is_default = false;
};

std::span<const MachineType> machine_types();

// By name or alias; null if there is no such machine type.
const MachineType* find_machine_type(std::string_view type);
// The versioned name of a machine type or alias: "pc-i440fx-9.0".
std::string_view canonical_machine_type(std::string_view type);
// Of a machine type or alias that exists and has a board.
hw::PcChipsetKind chipset_of(std::string_view type);
bool has_board(std::string_view type);

std::string machine_help();
std::string accelerator_help();
std::string cpu_help();

}  // namespace qc::system
