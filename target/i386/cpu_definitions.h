// SPDX-License-Identifier: GPL-2.0-or-later
//
// The table of processor models: what each says of itself before a user's wishes
// and an accelerator's limits.
//
// Sources: the vendors' CPUID data of the processors that the models are named
// after; names, versions and the numbers of the virtual ones are QEMU's, as users'
// scripts know them.
//
// Threading: constant data.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "target/i386/cpu_model.h"

namespace qc::i386 {

// A word of features.
constexpr uint32_t bits(std::initializer_list<unsigned> list) {
    uint32_t word = 0;
    for (unsigned bit : list)
        word |= 1u << bit;
    return word;
}

enum class CpuBase : uint8_t {
    kFixed,       // the words below
    kNothing,     // the same, and not even what runs a guest adds to it
    kEverything,  // all that the accelerator can show
    kHost,        // the same, with the host's name
};

struct FeatureValue {
    FeatureWord word;
    uint32_t value;
};

struct CpuDefinition {
    std::string_view name;     // "Nehalem"
    std::string_view version;  // "Nehalem-v1", the name that stays; empty: has none
    CpuBase base;
    std::string_view description;
    std::string_view vendor;
    std::string_view model_id;
    uint32_t family, model, stepping;
    uint32_t level, xlevel;  // highest basic and extended leaf
    uint32_t edx1, ecx1, edx80000001, ecx80000001;
    std::optional<FeatureValue> more = {};
    // Another model's version, which this one has the features of, with changes to them:
    // "+avx -rtm". The words above are added.
    std::string_view parent = {};
    std::string_view changes = {};
};

std::span<const CpuDefinition> cpu_definitions();
// By either name; null if there is none.
const CpuDefinition* find_cpu_definition(std::string_view name);
// All that its processor has, what is left out unless asked for included.
FeatureWords features_of(const CpuDefinition& definition);

// What a model's processor had and `-cpu MODEL` leaves out on every accelerator, as
// nobody runs them without asking: nested virtualisation, MONITOR, thermal MSRs.
FeatureWords features_on_request();

}  // namespace qc::i386
