// SPDX-License-Identifier: GPL-2.0-or-later
//
// Configuration files as -readconfig has them: groups of settings, each of which makes
// the option of the group's name.
//
//   # a comment
//   [drive "disk0"]
//     if = "none"
//     file = "disk.img"
//
// A value stands between double quotes and has none inside.
//
// Threading: plain values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/result.h"

namespace qc::system {

struct ConfigGroup {
    std::string name;
    std::string id;     // empty: none
    unsigned line = 0;  // of the group's head
    std::vector<std::pair<std::string, std::string>> settings;

    // As the option would be written: "if=none,file=disk.img,id=disk0".
    std::string as_option() const;
};

// Errors begin with the line: "3: ...". `text` is at most kMaxConfigBytes long.
Result<std::vector<ConfigGroup>> parse_config(std::string_view text);
inline constexpr size_t kMaxConfigBytes = size_t{1} << 20;

}  // namespace qc::system
