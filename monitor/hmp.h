// SPDX-License-Identifier: GPL-2.0-or-later
//
// The human monitor: commands that a person types, as formatters over QMP's
// handlers. They reach those by name, through the monitor's command table, so that
// the monitor depends on no subsystem.
//
// Threading: the main loop's thread.
#pragma once

#include <string>
#include <string_view>

namespace qc::monitor {

struct MonitorContext;

// What the person sees; lines end with CR LF. Errors are text, too.
std::string execute_hmp(MonitorContext& context, std::string_view line);

}  // namespace qc::monitor
