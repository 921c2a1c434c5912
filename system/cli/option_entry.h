// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the table of options says of each: its name, its argument, its help text, and
// who reads its value.
//
// Threading: constants.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "system/options.h"
#include "util/result.h"

namespace qc::system {

// What a handler may change: the options, or the text to print instead.
struct Parse {
    Options options;
    std::optional<std::string> text;
};

// `value` is empty for an option without argument; `origin` is how the user wrote it.
using OptionHandler = Result<void> (*)(Parse& parse, const std::string& value,
                                       const std::string& origin);

enum class ParameterType : uint8_t { kString, kBoolean, kNumber, kSize };

struct OptionParameter {
    std::string_view name;
    ParameterType type = ParameterType::kString;
};

struct OptionEntry {
    std::string_view name;
    // Empty if the option takes no argument.
    std::string_view argument;
    // Empty: -help leaves it out.
    std::string_view help;
    OptionHandler handler;
    // The name of the group of key=value pairs that this option makes, in configuration
    // files and in query-command-line-options; empty: it makes none.
    std::string_view group = {};
    // The keys; empty where they depend on the kind of thing that is made.
    std::span<const OptionParameter> parameters = {};
    // A machine without board and processors has no use for it.
    bool needs_board = false;
};

struct OptionSection {
    std::string_view title;
    std::span<const OptionEntry> entries;
};

}  // namespace qc::system
