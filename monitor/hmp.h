// SPDX-License-Identifier: GPL-2.0-or-later
//
// The human monitor: commands that a person types, as formatters over QMP's
// handlers. They reach those by name, through the monitor's command table, so that
// the monitor depends on no subsystem.
//
// Threading: the main loop's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc::monitor {

struct MonitorContext;

// What the person sees; lines end with CR LF. Errors are text, too. The context has a
// HumanState.
std::string execute_hmp(MonitorContext& context, std::string_view line);

// What the word before the cursor may become: see LineEditor::complete().
struct Completion {
    size_t word = 0;
    std::vector<std::string> candidates;
};
Completion complete_hmp(MonitorContext& context, std::string_view left_of_cursor);

// A processor that there is.
Result<uint32_t> check_cpu_index(MonitorContext& context, int64_t index);

}  // namespace qc::monitor
