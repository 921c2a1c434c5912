// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/option_help.h"

#include <fmt/core.h>

#include <array>

#include "target/i386/cpu_model.h"

namespace qc::system {

namespace {

constexpr std::array kMachineTypes = {
    MachineType{.name = "pc-i440fx-9.0",
                .description = "Standard PC (i440FX + PIIX, 1996)",
                .alias = "pc",
                .is_default = true},
    MachineType{.name = "pc-q35-9.0",
                .description = "Standard PC (Q35 + ICH9, 2009)",
                .alias = "q35",
                .chipset = hw::PcChipsetKind::kQ35},
};

const MachineType* find_machine_type(std::string_view type) {
    for (const MachineType& entry : kMachineTypes) {
        if (type == entry.name || type == entry.alias) return &entry;
    }
    return nullptr;
}

}  // namespace

std::span<const MachineType> machine_types() {
    return kMachineTypes;
}

bool is_machine_type(std::string_view type) {
    return !canonical_machine_type(type).empty();
}

std::string_view canonical_machine_type(std::string_view type) {
    const MachineType* found = find_machine_type(type);
    return found == nullptr ? std::string_view{} : found->name;
}

hw::PcChipsetKind chipset_of(std::string_view type) {
    const MachineType* found = find_machine_type(type);
    return found == nullptr ? hw::PcChipsetKind::kI440fx : found->chipset;
}

std::string machine_help() {
    std::string text = "Supported machines are:\n";
    for (const MachineType& type : kMachineTypes) {
        if (!type.alias.empty()) {
            text +=
                fmt::format("{:<20} {} (alias of {})\n", type.alias, type.description, type.name);
        }
        text += fmt::format("{:<20} {}{}\n", type.name, type.description,
                            type.is_default ? " (default)" : "");
    }
    return text;
}

std::string accelerator_help() {
    return "Accelerators supported in QEMU binary:\ntcg\nkvm\n";
}

std::string cpu_help() {
    std::string text = "Available CPUs:\n";
    for (const i386::CpuModelInfo& model : i386::cpu_models())
        text += fmt::format("  {:<20}  {}\n", model.name, model.description);
    text += "\nRecognized feature flags:\n ";
    for (const i386::Feature& feature : i386::feature_table())
        text += fmt::format(" {}", feature.name);
    return text + "\n";
}

}  // namespace qc::system
