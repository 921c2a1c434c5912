// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command line of qemu-system-x86_64. Options have one dash or two, and mean
// what they mean to QEMU. What this emulator cannot do is refused by name; no
// option is accepted and ignored.
#pragma once

#include <span>
#include <string>
#include <variant>

#include "system/options.h"
#include "util/result.h"

namespace qc::system {

// The command line asked for a text, not for a machine: `-help`, `-version`,
// `-machine help`. It is printed on standard output; the exit code is 0.
struct PrintAndExit {
    std::string text;
};

using CommandLine = std::variant<Options, PrintAndExit>;

// `arguments` without the program's name. Errors begin with the option at fault:
// "-m 1x: Parameter 'size' expects ...".
Result<CommandLine> parse_command_line(std::span<const char* const> arguments);

}  // namespace qc::system
