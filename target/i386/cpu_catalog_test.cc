// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_catalog.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "target/i386/cpu_definitions.h"

namespace qc::i386 {
namespace {

using enum FeatureWord;

// All that has a name.
CpuSupport tcg_with() {
    CpuSupport support;
    support.accelerator = "tcg";
    for (const Feature& feature : feature_table())
        support.features[feature.word] |= 1u << feature.bit;
    return support;
}

const CpuCatalogEntry* find(const std::vector<CpuCatalogEntry>& catalog, std::string_view name) {
    auto found = std::ranges::find(catalog, name, &CpuCatalogEntry::name);
    return found == catalog.end() ? nullptr : &*found;
}

CpuRequest request(std::string_view text) {
    return *parse_cpu_request(text);
}

template <typename T>
T property(const CpuExpansion& expansion, std::string_view name) {
    auto found =
        std::ranges::find(expansion.properties, name, [](const auto& p) { return p.first; });
    return found == expansion.properties.end() ? T{} : std::get<T>(found->second);
}

TEST(CpuCatalog, versioned_name_is_the_model_and_plain_one_its_alias) {
    auto catalog = cpu_catalog(tcg_with());
    ASSERT_NE(find(catalog, "Nehalem"), nullptr);
    EXPECT_EQ(find(catalog, "Nehalem")->alias_of, "Nehalem-v1");
    EXPECT_EQ(find(catalog, "Nehalem")->type_name, "Nehalem-x86_64-cpu");
    EXPECT_EQ(find(catalog, "Nehalem-v1")->alias_of, "");
    EXPECT_EQ(find(catalog, "Nehalem-IBRS")->alias_of, "Nehalem-v2");
}

TEST(CpuCatalog, only_base_is_static_and_models_that_follow_the_host_do_not_migrate) {
    for (const CpuCatalogEntry& entry : cpu_catalog(tcg_with())) {
        EXPECT_EQ(entry.is_static, entry.name == "base") << entry.name;
        EXPECT_EQ(entry.migration_safe, entry.name != "max" && entry.name != "host") << entry.name;
    }
}

TEST(CpuCatalog, unavailable_features_are_named) {
    CpuSupport support = tcg_with();
    support.features[k80000001Edx] &= ~(1u << 25 | 1u << 20);
    auto catalog = cpu_catalog(support);
    EXPECT_EQ(find(catalog, "phenom")->unavailable,
              (std::vector<std::string_view>{"nx", "fxsr-opt"}));
    EXPECT_EQ(find(catalog, "qemu32")->unavailable, std::vector<std::string_view>{});
    EXPECT_EQ(find(catalog, "host")->unavailable, std::vector<std::string_view>{"kvm"});
    EXPECT_EQ(find(catalog, "max")->unavailable, std::vector<std::string_view>{});
}

TEST(CpuCatalog, names_are_unique_and_fit_their_leaves) {
    auto catalog = cpu_catalog(tcg_with());
    for (const CpuCatalogEntry& entry : catalog) {
        EXPECT_EQ(std::ranges::count(catalog, entry.name, &CpuCatalogEntry::name), 1) << entry.name;
        if (entry.name == "host") continue;
        CpuModel model = choose_cpu_model(entry.name, tcg_with())->model;
        EXPECT_LE(model.model_id.size(), 48u) << entry.name;
        EXPECT_EQ(model.vendor.size(), entry.name == "base" ? 0u : 12u) << entry.name;
    }
}

TEST(CpuCatalog, changes_of_later_models_name_features_and_parents) {
    for (const CpuDefinition& definition : cpu_definitions()) {
        if (!definition.parent.empty()) {
            const CpuDefinition* parent = find_cpu_definition(definition.parent);
            ASSERT_NE(parent, nullptr) << definition.name;
            // Above it in the table: no circles.
            EXPECT_LT(parent, &definition) << definition.name;
        }
        FeatureWords known = definition.parent.empty()
                                 ? FeatureWords{}
                                 : features_of(*find_cpu_definition(definition.parent));
        std::string_view rest = definition.changes;
        while (!rest.empty()) {
            const std::string_view change = rest.substr(0, rest.find(' '));
            rest.remove_prefix(std::min(rest.size(), change.size() + 1));
            ASSERT_TRUE(change.starts_with('+') || change.starts_with('-')) << change;
            const Feature* feature = find_feature(change.substr(1));
            ASSERT_NE(feature, nullptr) << definition.name << " " << change;
            // A change changes something.
            EXPECT_EQ((known[feature->word] >> feature->bit & 1) != 0, change.front() == '-')
                << definition.name << " " << change;
        }
    }
}

TEST(CpuCatalog, later_models_have_their_parents_features_with_the_changes) {
    auto has = [](std::string_view model, std::string_view feature) {
        return choose_cpu_model(model, tcg_with())->model.has(feature);
    };
    EXPECT_TRUE(has("SandyBridge", "avx"));
    EXPECT_FALSE(has("SandyBridge", "avx2"));
    EXPECT_TRUE(has("Haswell", "rtm"));
    EXPECT_TRUE(has("Haswell", "avx"));
    EXPECT_FALSE(has("Haswell-noTSX", "rtm"));
    EXPECT_TRUE(has("Haswell-noTSX-IBRS", "spec-ctrl"));
    EXPECT_TRUE(has("Cooperlake", "avx512-bf16"));
    EXPECT_TRUE(has("EPYC-Milan", "pku"));
    EXPECT_FALSE(has("Dhyana", "aes"));
    EXPECT_EQ(choose_cpu_model("Dhyana", tcg_with())->model.vendor, "HygonGenuine");
}

TEST(CpuCatalog, version_without_another_name_is_listed_once) {
    auto catalog = cpu_catalog(tcg_with());
    ASSERT_NE(find(catalog, "Snowridge-v4"), nullptr);
    EXPECT_EQ(find(catalog, "Snowridge-v4")->alias_of, "");
    EXPECT_EQ(find(catalog, "Snowridge")->alias_of, "Snowridge-v1");
    EXPECT_EQ(find(catalog, "Haswell-IBRS")->alias_of, "Haswell-v3");
    EXPECT_EQ(find(catalog, "Haswell-IBRS")->description, "Intel Core Processor (Haswell, IBRS)");
}

TEST(CpuCatalog, what_msrs_tell_is_unavailable_and_named) {
    CpuSupport support = tcg_with();
    support.features[kArchCapabilities] = 0;
    auto catalog = cpu_catalog(support);
    EXPECT_EQ(find(catalog, "Icelake-Server-v3")->unavailable,
              (std::vector<std::string_view>{"rdctl-no", "ibrs-all", "skip-l1dfl-vmentry", "mds-no",
                                             "pschange-mc-no", "taa-no"}));
    EXPECT_EQ(choose_cpu_model("Denverton", support)->warnings.front(),
              "TCG doesn't support requested feature: MSR(10AH).rdctl-no [bit 0]");
}

TEST(CpuExpansion, static_one_makes_the_same_processor_from_base) {
    for (std::string_view text :
         {"qemu64", "Nehalem,-sse4.2,stepping=7", "486", "pentium3,+nx", "phenom", "max",
          "core2duo,phys-bits=36,model-id=x", "Cooperlake-v2", "EPYC-Milan,-avx"}) {
        CpuModel wanted = choose_cpu_model(text, tcg_with())->model;
        auto expansion = expand_cpu_model(request(text), CpuExpansionType::kStatic, tcg_with());
        ASSERT_TRUE(expansion);
        CpuRequest again{.model = expansion->name, .settings = {}};
        for (const auto& [name, value] : expansion->properties) {
            std::string written;
            if (const bool* on = std::get_if<bool>(&value)) written = *on ? "on" : "off";
            if (const uint32_t* number = std::get_if<uint32_t>(&value))
                written = std::to_string(*number);
            if (const std::string* string = std::get_if<std::string>(&value)) written = *string;
            again.settings.push_back({.key = std::string(name), .value = written});
        }
        auto made = choose_cpu_model(again, tcg_with());
        ASSERT_TRUE(made) << text << ": " << made.error().message();
        EXPECT_EQ(made->model.features, wanted.features) << text;
        const CpuidContext context{.apic_id = 0};
        auto table = wanted.cpuid_table(context);
        for (const CpuidEntry& entry : table) {
            EXPECT_EQ(made->model.cpuid(entry.leaf, entry.subleaf, context), entry.registers)
                << text << " leaf " << std::hex << entry.leaf;
        }
    }
}

TEST(CpuExpansion, static_one_has_each_feature_once_full_one_its_aliases_too) {
    auto one = expand_cpu_model(request("qemu64"), CpuExpansionType::kStatic, tcg_with());
    auto all = expand_cpu_model(request("qemu64"), CpuExpansionType::kFull, tcg_with());
    auto has = [](const CpuExpansion& expansion, std::string_view name) {
        return std::ranges::count(expansion.properties, name,
                                  [](const auto& p) { return p.first; });
    };
    EXPECT_EQ(has(*one, "pni"), 1);
    EXPECT_EQ(has(*one, "sse3"), 0);
    EXPECT_EQ(has(*all, "sse3"), 1);
    EXPECT_EQ(has(*one, "kvmclock"), 1);
    EXPECT_EQ(all->name, "qemu64");
    EXPECT_EQ(one->name, "base");
}

TEST(CpuExpansion, tells_what_a_guest_would_see) {
    CpuSupport support = tcg_with();
    support.features[k1Ecx] &= ~(1u << 28);
    auto expansion =
        expand_cpu_model(request("qemu64,+avx,+aes,family=6"), CpuExpansionType::kFull, support);
    EXPECT_FALSE(property<bool>(*expansion, "avx"));
    EXPECT_TRUE(property<bool>(*expansion, "aes"));
    EXPECT_EQ(property<uint32_t>(*expansion, "family"), 6u);
    EXPECT_EQ(property<std::string>(*expansion, "vendor"), "AuthenticAMD");
    EXPECT_EQ(property<uint32_t>(*expansion, "min-level"), 13u);
}

TEST(CpuExpansion, unknown_model_is_refused_by_name) {
    auto expansion = expand_cpu_model(request("nix"), CpuExpansionType::kFull, tcg_with());
    ASSERT_FALSE(expansion);
    EXPECT_EQ(expansion.error().message(), "CPU model 'nix' not found");
}

}  // namespace
}  // namespace qc::i386
