// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/option_help.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "target/i386/cpu_catalog.h"

namespace qc::system {

namespace {

constexpr MachineType i440fx(std::string_view name, std::string_view alias = {}) {
    return {.name = name,
            .description = "Standard PC (i440FX + PIIX, 1996)",
            .alias = alias,
            .is_default = !alias.empty()};
}

constexpr MachineType q35(std::string_view name, std::string_view alias = {}) {
    return {.name = name,
            .description = "Standard PC (Q35 + ICH9, 2009)",
            .alias = alias,
            .chipset = hw::PcChipsetKind::kQ35};
}

// The versions' hardware does not differ.
constexpr std::array kMachineTypes = {
    i440fx("pc-i440fx-9.0", "pc"),
    i440fx("pc-i440fx-8.2"),
    i440fx("pc-i440fx-8.1"),
    i440fx("pc-i440fx-8.0"),
    i440fx("pc-i440fx-7.2"),
    q35("pc-q35-9.0", "q35"),
    q35("pc-q35-8.2"),
    q35("pc-q35-8.1"),
    q35("pc-q35-8.0"),
    q35("pc-q35-7.2"),
    MachineType{.name = "none",
                .description = "empty machine",
                .chipset = std::nullopt,
                .max_cpus = 1,
                .default_ram_id = "ram"},
};

// By name, and those that follow the host or have no features last.
std::vector<i386::CpuCatalogEntry> sorted_models() {
    std::vector<i386::CpuCatalogEntry> models = i386::cpu_catalog({});
    auto key = [](const i386::CpuCatalogEntry& model) {
        bool special = !model.migration_safe || model.is_static;
        return std::pair(special, model.name);
    };
    std::ranges::sort(models, {}, key);
    return models;
}

std::string wrapped(const std::set<std::string_view>& words) {
    constexpr size_t kWidth = 76;
    std::string text, line = " ";
    for (std::string_view word : words) {
        if (line.size() + 1 + word.size() > kWidth) {
            text += line + "\n";
            line = " ";
        }
        line += fmt::format(" {}", word);
    }
    return text + line + "\n";
}

}  // namespace

std::span<const MachineType> machine_types() {
    return kMachineTypes;
}

const MachineType* find_machine_type(std::string_view type) {
    for (const MachineType& entry : kMachineTypes) {
        if (type == entry.name || (!type.empty() && type == entry.alias)) return &entry;
    }
    return nullptr;
}

std::string_view canonical_machine_type(std::string_view type) {
    const MachineType* found = find_machine_type(type);
    return found == nullptr ? std::string_view{} : found->name;
}

hw::PcChipsetKind chipset_of(std::string_view type) {
    const MachineType* found = find_machine_type(type);
    return found == nullptr ? hw::PcChipsetKind::kI440fx
                            : found->chipset.value_or(hw::PcChipsetKind::kI440fx);
}

bool has_board(std::string_view type) {
    const MachineType* found = find_machine_type(type);
    return found != nullptr && found->chipset.has_value();
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
    for (const i386::CpuCatalogEntry& model : sorted_models()) {
        std::string note(model.description);
        if (!model.alias_of.empty()) {
            note = model.alias_of == fmt::format("{}-v1", model.name)
                       ? "(alias configured by machine type)"
                       : fmt::format("(alias of {})", model.alias_of);
        }
        text += fmt::format("x86 {:<20}  {}\n", model.name, note);
    }
    std::set<std::string_view> names;
    for (const i386::Feature& feature : i386::feature_table())
        names.insert(feature.name);
    text += "\nRecognized CPUID flags:\n" + wrapped(names) + "\nOther properties:\n";
    for (const i386::CpuProperty& property : i386::cpu_property_table())
        text += fmt::format("  {:<20}  {}\n", property.name, property.description);
    return text;
}

}  // namespace qc::system
