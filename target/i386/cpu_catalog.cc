// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_catalog.h"

#include <algorithm>

#include "target/i386/cpu_definitions.h"

namespace qc::i386 {

namespace {

std::vector<std::string_view> unavailable_features(const CpuDefinition& definition,
                                                   const CpuSupport& support) {
    if (definition.base == CpuBase::kHost && !support.host) return {"kvm"};
    auto choice = choose_cpu_model(definition.name, support);
    return choice ? choice->unavailable : std::vector<std::string_view>{};
}

CpuCatalogEntry entry_of(const CpuDefinition& definition, std::string_view name,
                         const CpuSupport& support) {
    bool follows_host =
        definition.base == CpuBase::kHost || definition.base == CpuBase::kEverything;
    return {.name = name,
            .alias_of = name == definition.version ? std::string_view{} : definition.version,
            .description =
                definition.description.empty() ? definition.model_id : definition.description,
            .type_name = cpu_type_name(name),
            .migration_safe = !follows_host,
            .is_static = definition.base == CpuBase::kNothing,
            .unavailable = unavailable_features(definition, support)};
}

// Whether the table had the bit before, under another name.
bool is_alias(const Feature& feature) {
    auto first = std::ranges::find_if(feature_table(), [&](const Feature& other) {
        return other.word == feature.word && other.bit == feature.bit;
    });
    return first->name != feature.name;
}

constexpr uint8_t kDefaultPhysicalBits = 40;

}  // namespace

std::string cpu_type_name(std::string_view model) {
    return fmt::format("{}-x86_64-cpu", model);
}

std::vector<CpuCatalogEntry> cpu_catalog(const CpuSupport& support) {
    std::vector<CpuCatalogEntry> catalog;
    for (const CpuDefinition& definition : cpu_definitions()) {
        if (!definition.version.empty())
            catalog.push_back(entry_of(definition, definition.version, support));
        catalog.push_back(entry_of(definition, definition.name, support));
    }
    return catalog;
}

Result<CpuExpansion> expand_cpu_model(const CpuRequest& request, CpuExpansionType type,
                                      const CpuSupport& support) {
    if (find_cpu_definition(request.model) == nullptr)
        return fail("CPU model '{}' not found", request.model);
    const CpuModelChoice choice = TRY(choose_cpu_model(request, support));
    const CpuModel& model = choice.model;
    bool full = type == CpuExpansionType::kFull;
    CpuExpansion expansion{.name = full ? request.model : "base", .properties = {}};
    auto& properties = expansion.properties;
    for (const Feature& feature : feature_table()) {
        if (full || !is_alias(feature))
            properties.emplace_back(feature.name, model.has(feature.word, feature.bit));
    }
    // The KVM clock's two bits have one name.
    auto repeated = std::ranges::unique(properties, {}, [](const auto& p) { return p.first; });
    properties.erase(repeated.begin(), repeated.end());
    properties.emplace_back("vendor", model.vendor);
    properties.emplace_back("model-id", model.model_id);
    properties.emplace_back("family", model.family);
    properties.emplace_back("model", model.model);
    properties.emplace_back("stepping", model.stepping);
    properties.emplace_back("min-level", full ? choice.min_level : model.level);
    properties.emplace_back("min-xlevel", full ? choice.min_xlevel : model.xlevel);
    if (full || model.physical_bits != kDefaultPhysicalBits)
        properties.emplace_back("phys-bits", uint32_t{model.physical_bits});
    if (full) {
        properties.emplace_back("level", model.level);
        properties.emplace_back("xlevel", model.xlevel);
        properties.emplace_back("kvm", model.kvm_leaves);
    }
    return expansion;
}

}  // namespace qc::i386
