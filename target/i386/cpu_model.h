// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a processor says of itself: the models that `-cpu` names, their feature
// flags, and the CPUID leaves that follow from them.
//
// Sources: Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E; Linux
// Documentation/virt/kvm/x86/cpuid.rst for leaf 40000000h. Model names, their
// feature sets and the flags' names are QEMU's, as users' scripts know them.
//
// Threading: plain values, immutable after creation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "target/i386/cpu_request.h"
#include "target/i386/cpu_topology.h"
#include "util/result.h"

namespace qc::i386 {

// The registers of CPUID leaves that hold feature flags.
enum class FeatureWord : uint8_t {
    k1Edx,
    k1Ecx,
    k6Eax,
    k7Ebx,
    k7Ecx,
    k7Edx,
    k71Eax,  // leaf 7, subleaf 1
    kD1Eax,
    k80000001Edx,
    k80000001Ecx,
    k80000007Edx,
    k80000008Ebx,
    k8000000aEdx,
    kKvmEax,  // 40000001h
    // What two MSRs tell; no accelerator shows them, but models of processors have them.
    kArchCapabilities,
    kCoreCapability,
};
inline constexpr size_t kFeatureWordCount = 16;

struct FeatureWords {
    std::array<uint32_t, kFeatureWordCount> words{};

    uint32_t& operator[](FeatureWord word) { return words[static_cast<size_t>(word)]; }
    uint32_t operator[](FeatureWord word) const { return words[static_cast<size_t>(word)]; }
    bool operator==(const FeatureWords&) const = default;
};

struct Feature {
    std::string_view name;  // "sse2"
    FeatureWord word;
    uint8_t bit;
};
// A bit with several names has its main one first.
std::span<const Feature> feature_table();
// By any of its names; null if there is none.
const Feature* find_feature(std::string_view name);

struct CpuidRegisters {
    uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
    bool operator==(const CpuidRegisters&) const = default;
};
struct CpuidEntry {
    uint32_t leaf = 0;
    uint32_t subleaf = 0;
    CpuidRegisters registers;
};

// Which processor this process runs on, for models that copy it.
struct HostCpu {
    std::string vendor;  // "AuthenticAMD"
    std::string model_id;
    uint32_t family = 0, model = 0, stepping = 0;
    uint32_t level = 0, xlevel = 0;
    uint8_t physical_bits = 40;
};

// What an accelerator is able to show a guest.
struct CpuSupport {
    std::string_view accelerator;  // "kvm"
    FeatureWords features;
    // Set where guest code runs on the host's processor: `-cpu host` exists, and
    // the vendor is the host's whatever the model.
    std::optional<HostCpu> host;
    // Leaf 0Dh as the accelerator can do it (sizes and offsets of XSAVE components).
    std::vector<CpuidEntry> xsave_leaves;
    // Leaf 40000000h with the KVM signature is shown.
    bool kvm_leaves = false;
};

// The parts of CPUID that depend on the processor's own state.
struct CpuidContext {
    uint32_t apic_id = 0;
    bool osxsave = false;      // CR4.OSXSAVE
    bool apic_enabled = true;  // IA32_APIC_BASE bit 11
};

struct CpuModel {
    std::string name;  // "qemu64"
    std::string vendor;
    std::string model_id;
    uint32_t family = 0, model = 0, stepping = 0;
    uint32_t level = 0;   // highest basic leaf
    uint32_t xlevel = 0;  // highest extended leaf
    uint8_t physical_bits = 40;
    FeatureWords features;
    std::vector<CpuidEntry> xsave_leaves;
    bool kvm_leaves = false;
    // Of the machine that it is in: the machine sets it.
    CpuTopology topology;

    bool has(FeatureWord word, unsigned bit) const { return (features[word] >> bit) & 1; }
    // By QEMU's name; false for a name that does not exist.
    bool has(std::string_view feature) const;

    // EAX of leaf 1, also EDX after RESET.
    uint32_t signature() const;
    // A leaf beyond the highest gives zeros. Deterministic, host-independent.
    CpuidRegisters cpuid(uint32_t leaf, uint32_t subleaf, const CpuidContext& context) const;
    // Every leaf with its subleaves, for accelerators that want a table.
    std::vector<CpuidEntry> cpuid_table(const CpuidContext& context) const;
};

struct CpuModelChoice {
    CpuModel model;
    // The highest leaves before features raised them.
    uint32_t min_level = 0, min_xlevel = 0;
    // Features that the model has or the user named and the accelerator cannot do.
    std::vector<std::string_view> unavailable;
    // The same for stderr, "warning: " not included; none with check=off.
    std::vector<std::string> warnings;
};

// An unknown model or property is an error in QEMU's words.
Result<CpuModelChoice> choose_cpu_model(const CpuRequest& request, const CpuSupport& support);
// `text` is the argument of -cpu: "qemu64,+avx,-sse3,kvmclock=on".
Result<CpuModelChoice> choose_cpu_model(std::string_view text, const CpuSupport& support);

}  // namespace qc::i386
