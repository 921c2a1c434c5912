// SPDX-License-Identifier: GPL-2.0-or-later
//
// The processors of -smp as others want to have them described.
//
// Threading: plain functions.
#pragma once

#include <vector>

#include "hw/i386/pc_cpus.h"
#include "system/numa_options.h"
#include "system/smp.h"
#include "target/i386/cpu_model.h"

namespace qc::system {

hw::PcCpus board_cpus(const CpuArrangement& smp, const NumaNodes& numa);

// What a user should know of the arrangement and the model; empty: nothing.
std::vector<std::string> arrangement_warnings(const i386::CpuModel& model);

}  // namespace qc::system
