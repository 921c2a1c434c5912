// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/option_help.h"

#include <fmt/core.h>

#include <array>

namespace qc::system {

namespace {

struct MachineType {
    std::string_view name;
    std::string_view description;
    std::string_view alias_of;
    bool is_default;
};

constexpr std::array kMachineTypes = {
    MachineType{"pc", "Standard PC (i440FX + PIIX, 1996)", "pc-i440fx-9.0", false},
    MachineType{"pc-i440fx-9.0", "Standard PC (i440FX + PIIX, 1996)", "", true},
};

}  // namespace

bool is_machine_type(std::string_view type) {
    return !canonical_machine_type(type).empty();
}

std::string_view canonical_machine_type(std::string_view type) {
    for (const MachineType& entry : kMachineTypes) {
        if (entry.name == type) return entry.alias_of.empty() ? entry.name : entry.alias_of;
    }
    return {};
}

std::string machine_help() {
    std::string text = "Supported machines are:\n";
    for (const MachineType& type : kMachineTypes) {
        text += fmt::format("{:<20} {}", type.name, type.description);
        if (!type.alias_of.empty()) text += fmt::format(" (alias of {})", type.alias_of);
        if (type.is_default) text += " (default)";
        text += '\n';
    }
    return text;
}

std::string accelerator_help() {
    return "Accelerators supported in QEMU binary:\ntcg\nkvm\n";
}

}  // namespace qc::system
