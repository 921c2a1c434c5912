// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_model.h"

#include <algorithm>

#include "util/option_string.h"

namespace qc::i386 {

namespace {

using enum FeatureWord;

enum class Base : uint8_t { kFixed, kEverything, kHost };

struct Definition {
    CpuModelInfo info;
    Base base;
    std::string_view vendor;
    std::string_view model_id;
    uint32_t family, model, stepping;
    uint32_t level, xlevel;
    uint32_t edx1, ecx1, edx80000001, ecx80000001;
};

constexpr uint32_t bits(std::initializer_list<unsigned> list) {
    uint32_t word = 0;
    for (unsigned bit : list)
        word |= 1u << bit;
    return word;
}

// fpu de pse tsc msr pae mce cx8 apic sep pge cmov pat mmx fxsr sse sse2.
constexpr uint32_t kPentiumPro = bits({0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16, 23, 24, 25, 26});
constexpr uint32_t kMtrrClflushMcaPse36 = bits({12, 14, 17, 19});
constexpr uint32_t kVme = bits({1});
constexpr uint32_t kSse3Cx16 = bits({0, 13});
constexpr uint32_t kSyscallNxLm = bits({11, 20, 29});
constexpr uint32_t kLahfSvm = bits({0, 2});
constexpr uint32_t kX2apic = bits({21});
// ssse3 sse4.1 sse4.2 popcnt.
constexpr uint32_t kLaterSse = bits({9, 19, 20, 23});
constexpr uint32_t kLahf = bits({0});
constexpr uint32_t kXsave = bits({26});
constexpr uint32_t kHypervisor = bits({31});
constexpr std::string_view kAmd = "AuthenticAMD";
constexpr std::string_view kIntel = "GenuineIntel";
constexpr std::string_view kVirtualId = "QEMU Virtual CPU version 2.5+";

constexpr Definition kModels[] = {
    {{"qemu64", "QEMU Virtual CPU version 2.5+"},
     Base::kFixed,
     kAmd,
     kVirtualId,
     15,
     107,
     1,
     0xd,
     0x8000000a,
     kPentiumPro | kMtrrClflushMcaPse36,
     kSse3Cx16,
     kSyscallNxLm,
     kLahfSvm},
    {{"qemu32", "QEMU Virtual CPU version 2.5+"},
     Base::kFixed,
     kIntel,
     kVirtualId,
     6,
     6,
     3,
     4,
     0x80000004,
     kPentiumPro,
     bits({0}),
     0,
     0},
    {{"kvm64", "Common KVM processor"},
     Base::kFixed,
     kIntel,
     "Common KVM processor",
     15,
     6,
     1,
     0xd,
     0x80000008,
     kPentiumPro | kMtrrClflushMcaPse36 | kVme,
     kSse3Cx16,
     kSyscallNxLm,
     0},
    {{"Nehalem", "Intel Core i7 9xx (Nehalem Class Core i7)"},
     Base::kFixed,
     kIntel,
     "Intel Core i7 9xx (Nehalem Class Core i7)",
     6,
     26,
     3,
     0xb,
     0x80000008,
     kPentiumPro | kMtrrClflushMcaPse36 | kVme,
     kSse3Cx16 | kLaterSse,
     kSyscallNxLm,
     kLahf},
    {{"max", "Enables all features supported by the accelerator in the current host"},
     Base::kEverything,
     kAmd,
     "QEMU TCG CPU version 2.5+",
     15,
     107,
     1,
     0xd,
     0x8000000a,
     0,
     0,
     0,
     0},
    {{"host", "processor with all supported host features (only with KVM)"},
     Base::kHost,
     "",
     "",
     0,
     0,
     0,
     0xd,
     0x8000000a,
     0,
     0,
     0,
     0},
};
constexpr CpuModelInfo kModelInfos[] = {kModels[0].info, kModels[1].info, kModels[2].info,
                                        kModels[3].info, kModels[4].info, kModels[5].info};
static_assert(std::size(kModelInfos) == std::size(kModels));

// Paravirtual features that any model gets under KVM: both clocks' MSRs, no PIO
// delay, steal time, PV EOI, stable clock.
constexpr uint32_t kDefaultKvmFeatures = bits({0, 1, 3, 5, 6, 24});

constexpr uint32_t kHighestLevelWithFeatures7 = 7;
constexpr uint32_t kHighestLevelWithXsave = 0xd;
constexpr uint32_t kHighestXlevelWithSvm = 0x8000000a;

// For messages: the register as manuals call it.
std::string_view word_name(FeatureWord word) {
    switch (word) {
        case k1Edx: return "01H:EDX";
        case k1Ecx: return "01H:ECX";
        case k6Eax: return "06H:EAX";
        case k7Ebx: return "07H:EBX";
        case k7Ecx: return "07H:ECX";
        case k7Edx: return "07H:EDX";
        case kD1Eax: return "0DH:EAX";
        case k80000001Edx: return "80000001H:EDX";
        case k80000001Ecx: return "80000001H:ECX";
        case k80000007Edx: return "80000007H:EDX";
        case k80000008Ebx: return "80000008H:EBX";
        case k8000000aEdx: return "8000000AH:EDX";
        case kKvmEax: return "40000001H:EAX";
    }
    return "?";
}

// The request as parsed: what the user switched on and off, and how strict to be.
struct Wishes {
    FeatureWords on, off;
    bool check = true;
    bool enforce = false;
    bool kvm_leaves = true;
};

void set_feature(FeatureWords& words, std::string_view name) {
    for (const Feature& feature : feature_table())
        if (feature.name == name) words[feature.word] |= 1u << feature.bit;
}

bool feature_exists(std::string_view name) {
    return std::ranges::find(feature_table(), name, &Feature::name) != feature_table().end();
}

void wish(Wishes& wishes, std::string_view name, bool on) {
    FeatureWords named;
    set_feature(named, name);
    for (size_t i = 0; i < kFeatureWordCount; ++i) {
        wishes.on.words[i] &= ~named.words[i];
        wishes.off.words[i] &= ~named.words[i];
    }
    set_feature(on ? wishes.on : wishes.off, name);
}

CpuModel start_model(const Definition& definition, const CpuSupport& support) {
    CpuModel model;
    model.name = definition.info.name;
    model.vendor = definition.vendor;
    model.model_id = definition.model_id;
    model.family = definition.family;
    model.model = definition.model;
    model.stepping = definition.stepping;
    model.level = definition.level;
    model.xlevel = definition.xlevel;
    model.xsave_leaves = support.xsave_leaves;
    model.features[k1Edx] = definition.edx1;
    model.features[k1Ecx] = definition.ecx1;
    model.features[k80000001Edx] = definition.edx80000001;
    model.features[k80000001Ecx] = definition.ecx80000001;
    if (definition.base != Base::kFixed) model.features = support.features;
    model.features[k1Ecx] |= kHypervisor;
    if (support.host) {
        const HostCpu& host = *support.host;
        model.vendor = host.vendor;
        if (definition.base == Base::kFixed) {
            model.features[k1Ecx] |= kX2apic & support.features[k1Ecx];
            model.features[kKvmEax] = kDefaultKvmFeatures;
            // Nested virtualisation is on request only.
            model.features[k80000001Ecx] &= ~bits({2});
        } else {
            model.model_id = host.model_id;
            model.family = host.family;
            model.model = host.model;
            model.stepping = host.stepping;
            model.physical_bits = host.physical_bits;
        }
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
        f[k7Ebx] &= ~bits({5, 16, 17, 21, 28, 30, 31});  // avx2 avx512*
        f[k7Ecx] &= ~bits({1, 6, 9, 10, 11, 12, 14});    // avx512* vaes vpclmulqdq
        f[k7Edx] &= ~bits({8, 23});
    }
    if (!(f[k80000001Ecx] & bits({2}))) f[k8000000aEdx] = 0;
}

Result<void> apply_features(CpuModelChoice& choice, const Wishes& wishes,
                            const CpuSupport& support) {
    CpuModel& model = choice.model;
    model.kvm_leaves = support.kvm_leaves && wishes.kvm_leaves;
    FeatureWords missing;
    for (size_t i = 0; i < kFeatureWordCount; ++i) {
        uint32_t& word = model.features.words[i];
        word = (word | wishes.on.words[i]) & ~wishes.off.words[i];
        missing.words[i] = wishes.on.words[i] & ~support.features.words[i];
        word &= support.features.words[i];
    }
    // Without the KVM leaf nobody could find these: no fault, no effect.
    missing[kKvmEax] = 0;
    if (!model.kvm_leaves) model.features[kKvmEax] = 0;
    // Set by whatever runs a guest; a user may hide it.
    if (!(wishes.off[k1Ecx] & kHypervisor)) model.features[k1Ecx] |= kHypervisor;
    missing[k1Ecx] &= ~kHypervisor;
    drop_orphans(model.features);

    uint32_t reported[kFeatureWordCount] = {};
    std::string subject =
        support.host
            ? "host doesn't"
            : fmt::format("{} doesn't", support.accelerator == "tcg" ? "TCG" : support.accelerator);
    for (const Feature& feature : feature_table()) {
        uint32_t bit = 1u << feature.bit;
        uint32_t& seen = reported[static_cast<size_t>(feature.word)];
        if (!(missing[feature.word] & bit) || (seen & bit)) continue;
        seen |= bit;
        if (wishes.check || wishes.enforce) {
            choice.warnings.push_back(
                fmt::format("{} support requested feature: CPUID.{}.{} [bit {}]", subject,
                            word_name(feature.word), feature.name, feature.bit));
        }
    }
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

void raise_levels(CpuModel& model) {
    if (model.features[k7Ebx] | model.features[k7Ecx] | model.features[k7Edx]) {
        model.level = std::max(model.level, kHighestLevelWithFeatures7);
    }
    if (model.features[k1Ecx] & kXsave) model.level = std::max(model.level, kHighestLevelWithXsave);
    if (model.features[k8000000aEdx]) model.xlevel = std::max(model.xlevel, kHighestXlevelWithSvm);
}

Result<uint32_t> number(std::string_view key, std::string_view text, uint64_t least,
                        uint64_t most) {
    uint64_t value = TRY(parse_number(key, text));
    if (value < least || value > most) {
        return fail("Property {} doesn't take value {} (minimum: {}, maximum: {})", key, value,
                    least, most);
    }
    return static_cast<uint32_t>(value);
}

// Properties that are no feature flags. False: there is no such property.
Result<bool> set_property(CpuModel& model, Wishes& wishes, std::string_view key,
                          std::string_view value) {
    if (key == "family") {
        model.family = TRY(number(key, value, 0, 0xff + 0xf));
    } else if (key == "model") {
        model.model = TRY(number(key, value, 0, 0xff));
    } else if (key == "stepping") {
        model.stepping = TRY(number(key, value, 0, 0xf));
    } else if (key == "level") {
        model.level = TRY(number(key, value, 1, 0xff));
    } else if (key == "xlevel") {
        model.xlevel = TRY(number(key, value, 0x80000000, 0x800000ff));
    } else if (key == "phys-bits") {
        model.physical_bits = static_cast<uint8_t>(TRY(number(key, value, 32, 52)));
    } else if (key == "vendor") {
        if (value.size() != 12) {
            return fail("Property '{}-x86_64-cpu.vendor' doesn't take value '{}'", model.name,
                        value);
        }
        model.vendor = value;
    } else if (key == "model-id") {
        model.model_id = value.substr(0, 48);
    } else if (key == "check") {
        wishes.check = TRY(parse_bool(key, value));
    } else if (key == "enforce") {
        wishes.enforce = TRY(parse_bool(key, value));
    } else if (key == "kvm") {
        wishes.kvm_leaves = TRY(parse_bool(key, value));
    } else {
        return false;
    }
    return true;
}

// QEMU takes '_' for '-' in names.
std::string normalised(std::string_view name) {
    std::string text(name);
    std::ranges::replace(text, '_', '-');
    return text;
}

Result<void> apply_element(CpuModel& model, Wishes& wishes, std::string_view element) {
    bool plus = element.starts_with('+');
    bool minus = element.starts_with('-');
    size_t equals = element.find('=');
    std::string key;
    std::string_view value = "on";
    if (plus || minus) {
        key = normalised(element.substr(1));
    } else {
        key = normalised(element.substr(0, equals));
        if (equals != std::string_view::npos) value = element.substr(equals + 1);
    }
    if (feature_exists(key)) {
        wish(wishes, key, minus ? false : TRY(parse_bool(key, value)));
        return {};
    }
    if (!plus && !minus && TRY(set_property(model, wishes, key, value))) return {};
    return fail("Property '{}-x86_64-cpu.{}' not found", model.name, key);
}

}  // namespace

Result<CpuModelChoice> choose_cpu_model(std::string_view text, const CpuSupport& support) {
    size_t comma = text.find(',');
    std::string_view name = text.substr(0, comma);
    auto definition =
        std::ranges::find(kModels, name, [](const Definition& d) { return d.info.name; });
    if (definition == std::end(kModels)) return fail("unable to find CPU model '{}'", name);
    if (definition->base == Base::kHost && !support.host) {
        return fail("CPU model 'host' requires KVM");
    }
    CpuModelChoice choice{start_model(*definition, support), {}};
    Wishes wishes;
    // QEMU's order: key=value first, then +feature and -feature.
    for (bool signs : {false, true}) {
        for (size_t start = comma; start != std::string_view::npos;) {
            size_t end = text.find(',', start + 1);
            std::string_view element =
                text.substr(start + 1, end == std::string_view::npos ? end : end - start - 1);
            bool has_sign = element.starts_with('+') || element.starts_with('-');
            if (!element.empty() && has_sign == signs) {
                TRY(apply_element(choice.model, wishes, element));
            }
            start = end;
        }
    }
    TRY(apply_features(choice, wishes, support));
    raise_levels(choice.model);
    return choice;
}

std::span<const CpuModelInfo> cpu_models() {
    return kModelInfos;
}

}  // namespace qc::i386
