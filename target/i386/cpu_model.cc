// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_model.h"

#include <algorithm>

#include "target/i386/cpu_definitions.h"
#include "util/option_string.h"

namespace qc::i386 {

namespace {

using enum FeatureWord;

constexpr uint32_t kX2apic = bits({21});
constexpr uint32_t kXsave = bits({26});
constexpr uint32_t kHypervisor = bits({31});
constexpr uint32_t kLongMode = bits({29});
constexpr uint32_t kPaeOrPse36Mask = bits({6, 17});

// Paravirtual features that any model gets under KVM: both clocks' MSRs, no PIO
// delay, steal time, PV EOI, stable clock.
constexpr uint32_t kDefaultKvmFeatures = bits({0, 1, 3, 5, 6, 24});

constexpr uint32_t kHighestLevelWithFeatures7 = 7;
constexpr uint32_t kHighestLevelWithXsave = 0xd;
constexpr uint32_t kHighestXlevelWithSvm = 0x8000000a;
constexpr uint32_t kLowestXlevel = 0x80000000;
constexpr size_t kVendorLength = 12;
constexpr size_t kModelIdLength = 48;
constexpr uint8_t kDefaultPhysicalBits = 40;

// For messages: the register as manuals call it.
std::string_view word_name(FeatureWord word) {
    switch (word) {
        case k1Edx: return "CPUID.01H:EDX";
        case k1Ecx: return "CPUID.01H:ECX";
        case k6Eax: return "CPUID.06H:EAX";
        case k7Ebx: return "CPUID.07H:EBX";
        case k7Ecx: return "CPUID.07H:ECX";
        case k7Edx: return "CPUID.07H:EDX";
        case k71Eax: return "CPUID.07H:EAX";
        case kD1Eax: return "CPUID.0DH:EAX";
        case k80000001Edx: return "CPUID.80000001H:EDX";
        case k80000001Ecx: return "CPUID.80000001H:ECX";
        case k80000007Edx: return "CPUID.80000007H:EDX";
        case k80000008Ebx: return "CPUID.80000008H:EBX";
        case k8000000aEdx: return "CPUID.8000000AH:EDX";
        case kKvmEax: return "CPUID.40000001H:EAX";
        case kArchCapabilities: return "MSR(10AH)";
        case kCoreCapability: return "MSR(CFH)";
    }
    return "?";
}

// The request as understood: what the user switched on and off, and how strict to be.
struct Wishes {
    FeatureWords on, off;
    bool check = true;
    bool enforce = false;
    bool kvm_leaves = true;
    std::optional<uint32_t> level, xlevel;
    uint8_t physical_bits = 0;
};

void wish(Wishes& wishes, std::string_view name, bool on) {
    for (const Feature& feature : feature_table()) {
        if (feature.name != name) continue;
        uint32_t bit = 1u << feature.bit;
        wishes.on[feature.word] &= ~bit;
        wishes.off[feature.word] &= ~bit;
        (on ? wishes.on : wishes.off)[feature.word] |= bit;
    }
}

CpuModel start_model(const CpuDefinition& definition, std::string_view name,
                     const CpuSupport& support) {
    CpuModel model;
    model.name = name;
    model.vendor = definition.vendor;
    model.model_id = definition.model_id;
    model.family = definition.family;
    model.model = definition.model;
    model.stepping = definition.stepping;
    model.level = definition.level;
    model.xlevel = definition.xlevel;
    model.physical_bits = kDefaultPhysicalBits;
    model.xsave_leaves = support.xsave_leaves;
    model.features = features_of(definition);
    if (definition.base == CpuBase::kNothing) return model;
    if (definition.base == CpuBase::kFixed) {
        FeatureWords left_out = features_on_request();
        for (size_t i = 0; i < kFeatureWordCount; ++i)
            model.features.words[i] &= ~left_out.words[i];
    } else {
        model.features = support.features;
    }
    model.features[k1Ecx] |= kHypervisor;
    if (!support.host) return model;
    const HostCpu& host = *support.host;
    model.vendor = host.vendor;
    if (definition.base == CpuBase::kFixed) {
        model.features[k1Ecx] |= kX2apic & support.features[k1Ecx];
        model.features[kKvmEax] = kDefaultKvmFeatures & support.features[kKvmEax];
    } else {
        model.model_id = host.model_id;
        model.family = host.family;
        model.model = host.model;
        model.stepping = host.stepping;
        model.physical_bits = host.physical_bits;
    }
    return model;
}

// Features that mean nothing without another one.
void drop_orphans(FeatureWords& f) {
    if (!(f[k1Ecx] & kXsave)) {
        f[k1Ecx] &= ~bits({12, 28, 29});  // fma avx f16c
        f[k7Ecx] &= ~bits({3});           // pku
        f[kD1Eax] = 0;
    }
    if (!(f[k1Ecx] & bits({28}))) {
        f[k7Ebx] &= ~bits({5, 16, 17, 21, 26, 27, 28, 30, 31});  // avx2 avx512*
        f[k7Ecx] &= ~bits({1, 6, 9, 10, 11, 12, 14});            // avx512* vaes vpclmulqdq
        f[k7Edx] &= ~bits({2, 3, 8, 23});
        f[k71Eax] &= ~bits({4, 5});  // avx-vnni avx512-bf16
    }
    if (!(f[k80000001Ecx] & bits({2}))) f[k8000000aEdx] = 0;
}

// What of `missing` to tell the user, by the main name of each bit.
void report_missing(CpuModelChoice& choice, const FeatureWords& missing, bool warn,
                    const CpuSupport& support) {
    std::string_view subject =
        support.host || support.accelerator != "tcg" ? "host doesn't" : "TCG doesn't";
    FeatureWords reported;
    for (const Feature& feature : feature_table()) {
        uint32_t bit = 1u << feature.bit;
        if (!(missing[feature.word] & bit) || (reported[feature.word] & bit)) continue;
        reported[feature.word] |= bit;
        choice.unavailable.push_back(feature.name);
        if (!warn) continue;
        choice.warnings.push_back(fmt::format("{} support requested feature: {}.{} [bit {}]",
                                              subject, word_name(feature.word), feature.name,
                                              feature.bit));
    }
}

Result<void> apply_features(CpuModelChoice& choice, const Wishes& wishes,
                            const CpuSupport& support) {
    CpuModel& model = choice.model;
    model.kvm_leaves = support.kvm_leaves && wishes.kvm_leaves;
    FeatureWords able = support.features;
    // Set by whatever runs a guest; a user may hide it.
    able[k1Ecx] |= kHypervisor;
    FeatureWords missing;
    for (size_t i = 0; i < kFeatureWordCount; ++i) {
        uint32_t& word = model.features.words[i];
        word = (word | wishes.on.words[i]) & ~wishes.off.words[i];
        missing.words[i] = word & ~able.words[i];
        word &= able.words[i];
    }
    // Without the KVM leaf nobody could find these: no fault, no effect.
    missing[kKvmEax] = 0;
    if (!model.kvm_leaves) model.features[kKvmEax] = 0;
    drop_orphans(model.features);

    report_missing(choice, missing, wishes.check || wishes.enforce, support);
    if (wishes.enforce && !choice.warnings.empty()) {
        std::string all;
        for (const std::string& warning : choice.warnings)
            all += (all.empty() ? "" : "; ") + warning;
        return fail("{}: {}",
                    support.host ? "Host doesn't support requested features"
                                 : "TCG doesn't support requested features",
                    all);
    }
    return {};
}

void settle_levels(CpuModelChoice& choice, const Wishes& wishes) {
    CpuModel& model = choice.model;
    choice.min_level = model.level;
    choice.min_xlevel = model.xlevel;
    if (model.features[k7Ebx] | model.features[k7Ecx] | model.features[k7Edx] |
        model.features[k71Eax]) {
        model.level = std::max(model.level, kHighestLevelWithFeatures7);
    }
    if (model.features[k1Ecx] & kXsave) model.level = std::max(model.level, kHighestLevelWithXsave);
    if (model.features[k8000000aEdx]) model.xlevel = std::max(model.xlevel, kHighestXlevelWithSvm);
    if (model.features[k80000001Edx] | model.features[k80000001Ecx]) {
        model.xlevel = std::max(model.xlevel, kLowestXlevel + 1);
    }
    model.level = wishes.level.value_or(model.level);
    model.xlevel = wishes.xlevel.value_or(model.xlevel);
}

void settle_address_width(CpuModel& model, const Wishes& wishes) {
    if (wishes.physical_bits != 0) {
        model.physical_bits = wishes.physical_bits;
    } else if (!(model.features[k80000001Edx] & kLongMode)) {
        model.physical_bits = (model.features[k1Edx] & kPaeOrPse36Mask) ? 36 : 32;
    }
}

Result<uint32_t> number(const CpuProperty& property, std::string_view text) {
    uint64_t value = TRY(parse_number(property.name, text));
    if (property.name == "phys-bits" && value != 0 && (value < 32 || value > property.maximum)) {
        return fail("phys-bits should be between 32 and 52  (but is {})", value);
    }
    bool no_leaf = property.name.ends_with("xlevel") && value != 0 && value < kLowestXlevel;
    if (value > property.maximum || no_leaf) {
        return fail("Property .{} doesn't take value {} (minimum: {}, maximum: {})", property.name,
                    value, no_leaf ? kLowestXlevel : property.minimum, property.maximum);
    }
    return static_cast<uint32_t>(value);
}

Result<void> set_number(CpuModel& model, Wishes& wishes, const CpuProperty& property,
                        std::string_view text) {
    uint32_t value = TRY(number(property, text));
    if (property.name == "family") {
        model.family = value;
    } else if (property.name == "model") {
        model.model = value;
    } else if (property.name == "stepping") {
        model.stepping = value;
    } else if (property.name == "level") {
        wishes.level = value;
    } else if (property.name == "xlevel") {
        wishes.xlevel = value;
    } else if (property.name == "min-level") {
        model.level = value;
    } else if (property.name == "min-xlevel") {
        model.xlevel = value;
    } else {
        wishes.physical_bits = static_cast<uint8_t>(value);
    }
    return {};
}

Result<void> set_property(CpuModel& model, Wishes& wishes, const CpuProperty& property,
                          std::string_view value) {
    switch (property.kind) {
        case CpuProperty::Kind::kNumber: return set_number(model, wishes, property, value);
        case CpuProperty::Kind::kBool: {
            bool on = TRY(parse_bool(property.name, value));
            if (property.name == "check") {
                wishes.check = on;
            } else if (property.name == "enforce") {
                wishes.enforce = on;
            } else {
                wishes.kvm_leaves = on;
            }
            return {};
        }
        case CpuProperty::Kind::kString: break;
    }
    if (property.name == "model-id") {
        model.model_id = value.substr(0, kModelIdLength);
        return {};
    }
    // A model without any has none to give.
    if (value.size() != kVendorLength && !(value.empty() && model.vendor.empty())) {
        return fail("Property .vendor doesn't take value '{}'", value);
    }
    model.vendor = value;
    return {};
}

}  // namespace

Result<CpuModelChoice> choose_cpu_model(const CpuRequest& request, const CpuSupport& support) {
    const CpuDefinition* definition = find_cpu_definition(request.model);
    if (definition == nullptr) return fail("unable to find CPU model '{}'", request.model);
    if (definition->base == CpuBase::kHost && !support.host) {
        return fail("CPU model 'host' requires KVM");
    }
    CpuModelChoice choice;
    choice.model = start_model(*definition, request.model, support);
    Wishes wishes;
    for (const CpuSetting& setting : request.settings) {
        const CpuProperty* property = find_cpu_property(setting.key);
        if (find_feature(setting.key) != nullptr) {
            wish(wishes, setting.key, TRY(parse_bool(setting.key, setting.value)));
        } else if (property != nullptr && !setting.is_sign) {
            TRY(set_property(choice.model, wishes, *property, setting.value));
        } else {
            return fail("Property '{}-x86_64-cpu.{}' not found", request.model, setting.key);
        }
    }
    TRY(apply_features(choice, wishes, support));
    settle_levels(choice, wishes);
    settle_address_width(choice.model, wishes);
    return choice;
}

Result<CpuModelChoice> choose_cpu_model(std::string_view text, const CpuSupport& support) {
    return choose_cpu_model(TRY(parse_cpu_request(text)), support);
}

}  // namespace qc::i386
