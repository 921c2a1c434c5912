// SPDX-License-Identifier: GPL-2.0-or-later
//
// Commands of the human monitor about the machine itself, which QMP has not.
//
// Threading: the main loop's thread.
#pragma once

#include "monitor/hmp_command.h"

namespace qc::system {

// For Monitor::Deps.
monitor::HmpTables machine_hmp_tables();

// One for each file.
std::span<const monitor::HmpCommand> hmp_memory_commands();
std::span<const monitor::HmpCommand> hmp_processor_commands();
std::span<const monitor::HmpCommand> hmp_processor_info();
std::span<const monitor::HmpCommand> hmp_board_info();
std::span<const monitor::HmpCommand> hmp_object_commands();
Result<int64_t> read_register(monitor::MonitorContext& context, std::string_view name);

}  // namespace qc::system
