// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a user asks for with -cpu or query-cpu-model-expansion: a model, and changes
// to it in the order in which they are to be made.
//
// Threading: plain values.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc::i386 {

// A property of a processor that is no feature flag.
struct CpuProperty {
    enum class Kind : uint8_t { kBool, kNumber, kString };
    std::string_view name;  // "family"
    Kind kind;
    uint32_t minimum = 0;
    uint32_t maximum = 0;
    std::string_view description;
};
std::span<const CpuProperty> cpu_property_table();
const CpuProperty* find_cpu_property(std::string_view name);

struct CpuSetting {
    std::string key;       // '_' replaced by '-'
    std::string value;     // "on" where none was given
    bool is_sign = false;  // "+sse3" or "-sse3": features only
};

struct CpuRequest {
    std::string model;
    std::vector<CpuSetting> settings;
};

// "qemu64,+avx,-sse3,family=6". Signs come last, whatever their place, as in QEMU.
Result<CpuRequest> parse_cpu_request(std::string_view text);
// QEMU takes '_' for '-' in names.
std::string cpu_key(std::string_view name);

}  // namespace qc::i386
