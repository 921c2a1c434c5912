// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-smbios type=N,FIELD=TEXT,...` and `-smbios file=FILE`, with QEMU's names.
//
// Threading: plain functions.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "hw/smbios/smbios_config.h"
#include "util/option_string.h"
#include "util/result.h"
#include "util/uuid.h"

namespace qc::hw {

// What several -smbios options say together; of what is said twice, the last counts.
struct SmbiosOptions {
    SmbiosConfig config;
    std::optional<Uuid> uuid;     // type=1,uuid=
    std::set<uint8_t> described;  // types with fields
};

// The defaults: QEMU as the maker, the machine's type as product and version.
SmbiosConfig default_smbios(std::string_view product, std::string_view version);

using SmbiosFileReader = std::function<Result<std::vector<std::byte>>(const std::string& path)>;

// Adds one option. Errors name the field, type or file.
Result<void> add_smbios(SmbiosOptions& all, OptionString option, const SmbiosFileReader& read);

}  // namespace qc::hw
