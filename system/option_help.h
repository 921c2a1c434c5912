// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lists behind `-machine help` and `-accel help`, and what they know.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "hw/i386/pc_chipset_kind.h"

namespace qc::system {

struct MachineType {
    std::string_view name;
    std::string_view description;
    std::string_view alias;
    hw::PcChipsetKind chipset = hw::PcChipsetKind::kI440fx;
    bool is_default = false;
};

std::span<const MachineType> machine_types();

// "pc" or the versioned name it stands for.
bool is_machine_type(std::string_view type);
// The versioned name of a machine type or alias: "pc-i440fx-9.0".
std::string_view canonical_machine_type(std::string_view type);
// Of a machine type or alias that exists.
hw::PcChipsetKind chipset_of(std::string_view type);

std::string machine_help();
std::string accelerator_help();
std::string cpu_help();

}  // namespace qc::system
