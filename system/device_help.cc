// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/device_help.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "qapi/json_writer.h"

namespace qc::system {

namespace {

struct Category {
    std::string_view title;
    std::string_view ancestors[3];
};
// What no other claims is in the last but one; processors are for -cpu, and listed by their types.
constexpr Category kCategories[] = {
    {"Storage", {"ide-device", "virtio-blk-pci"}},
    {"Input", {"isa-serial"}},
    {"Misc", {"device"}},
};

std::string_view bus_of(const qom::ObjectType& type) {
    if (type.is_a("pci-device")) return "PCI";
    if (type.is_a("isa-device")) return "ISA";
    if (type.is_a("ide-device")) return "IDE";
    return {};
}

const Category& category_of(const qom::ObjectType& type) {
    for (const Category& category : kCategories) {
        for (std::string_view ancestor : category.ancestors) {
            if (!ancestor.empty() && type.is_a(ancestor)) return category;
        }
    }
    return kCategories[std::size(kCategories) - 1];
}

std::string describe(const qom::PropertyDef& def) {
    std::string line = fmt::format("  {}=<{}>", def.name, qom::type_name_of(def));
    const bool has_default = !def.default_value.empty();
    if (def.description.empty() && !has_default) return line + "\n";
    if (line.size() < 24) line.resize(24, ' ');
    line += fmt::format(" - {}", def.description);
    if (has_default)
        line += fmt::format(" (default: {})", qapi::to_json(def.default_value.value()));
    return line + "\n";
}

}  // namespace

std::string device_list(const qom::TypeRegistry& types) {
    std::string text;
    for (const Category& category : kCategories) {
        std::vector<std::string> lines;
        for (const qom::ObjectType* type : types.types()) {
            if (!type->is_a("device") || type->abstract || bus_of(*type).empty() ||
                &category_of(*type) != &category) {
                continue;
            }
            lines.push_back(fmt::format("name \"{}\", bus {}, desc \"{}\"\n", type->name,
                                        bus_of(*type), type->description));
        }
        std::ranges::sort(lines);
        if (!text.empty()) text += "\n";
        text += fmt::format("{} devices:\n", category.title);
        for (const std::string& line : lines)
            text += line;
    }
    return text;
}

std::string type_help(const qom::ObjectType& type) {
    std::vector<const qom::PropertyDef*> defs = qom::all_properties(type);
    std::erase_if(defs, [](const qom::PropertyDef* def) {
        return def->access == qom::PropertyAccess::kReadOnly;
    });
    if (defs.empty()) return fmt::format("There are no options for {}.\n", type.name);
    std::ranges::sort(defs, {}, &qom::PropertyDef::name);
    std::string text = fmt::format("{} options:\n", type.name);
    for (const qom::PropertyDef* def : defs)
        text += describe(*def);
    return text;
}

}  // namespace qc::system
