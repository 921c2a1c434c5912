// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where monitors are: `-qmp DEV`, `-qmp-pretty DEV`, `-monitor DEV`, `-mon`.
//
// Threading: plain values.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "system/options.h"
#include "util/result.h"

namespace qc::system {

// "[chardev=]ID[,mode=control|readline][,pretty=on|off]"
Result<MonitorOption> parse_mon_option(const RawOption& option);

// -qmp and its like. Nothing happens for "none".
void add_monitor_device(Options& options, MonitorOption monitor);

// Where nobody has said anything about monitors: on the console under -nographic, which
// the first serial port has, too; else, without a display, nowhere.
void choose_default_monitor(Options& options);

// The human monitor on the console of a serial port, whose device is "mon:DEV".
MonitorOption monitor_of_console(const std::string& chardev_id, const std::string& origin);

// The ids of the character devices that only QMP monitors use: those that they name, and
// those that are made for them.
std::set<std::string, std::less<>> qmp_chardevs(const std::vector<MonitorOption>& monitors);

}  // namespace qc::system
