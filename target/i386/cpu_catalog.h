// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which processor models there are and what becomes of them on an accelerator: for
// `-cpu help`, query-cpu-definitions and query-cpu-model-expansion.
//
// Threading: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "target/i386/cpu_model.h"

namespace qc::i386 {

struct CpuCatalogEntry {
    std::string_view name;      // "qemu64"
    std::string_view alias_of;  // "qemu64-v1"; empty: it is no alias
    std::string_view description;
    std::string type_name;  // "qemu64-x86_64-cpu"
    // The same processor on every host.
    bool migration_safe = true;
    // The same processor in every version of this program.
    bool is_static = false;
    // Why it cannot run as it is: features, or "kvm".
    std::vector<std::string_view> unavailable;
};
std::string cpu_type_name(std::string_view model);
std::vector<CpuCatalogEntry> cpu_catalog(const CpuSupport& support);

using CpuPropertyValue = std::variant<bool, uint32_t, std::string>;

struct CpuExpansion {
    std::string name;
    std::vector<std::pair<std::string_view, CpuPropertyValue>> properties;
};
enum class CpuExpansionType : uint8_t {
    kStatic,  // as changes to the model "base", each feature under its main name
    kFull,    // as changes to the model itself, with every property and alias
};
// What a guest would see: without the features that the accelerator cannot do.
Result<CpuExpansion> expand_cpu_model(const CpuRequest& request, CpuExpansionType type,
                                      const CpuSupport& support);

}  // namespace qc::i386
