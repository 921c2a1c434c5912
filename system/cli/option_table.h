// SPDX-License-Identifier: GPL-2.0-or-later
//
// The table of all options, in the sections of `-help`.
//
// Threading: constants.
#pragma once

#include <span>
#include <string_view>

#include "system/cli/option_entry.h"

namespace qc::system {

std::span<const OptionSection> option_sections();
// Without dashes; null if there is no such option.
const OptionEntry* find_option(std::string_view name);
// The option whose key=value pairs are a group of that name; null if there is none.
const OptionEntry* find_option_group(std::string_view group);
// Has the option's value read. Errors begin with `place`.
Result<void> read_option(const OptionEntry& entry, Parse& parse, const std::string& value,
                         const std::string& origin, const std::string& place);

}  // namespace qc::system
