// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where monitors are: `-qmp DEV` and `-mon [chardev=]ID,mode=control`.
//
// Threading: plain values.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "system/options.h"
#include "util/result.h"

namespace qc::system {

// The value of -mon, as -qmp would have it: "chardev:ID".
Result<std::string> parse_mon_option(const std::string& value);

// The ids of the character devices of monitors: those that they name, and those that
// are made for them. The one of monitor `index` is monitor_id(index).
std::set<std::string, std::less<>> monitor_chardevs(const std::vector<RawOption>& monitors);
std::string monitor_id(size_t index);

}  // namespace qc::system
