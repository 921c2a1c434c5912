// SPDX-License-Identifier: GPL-2.0-or-later
//
// -smp: how many processors there are, and how they are arranged.
//
// Threading: pure functions on plain values.
#pragma once

#include <string>
#include <string_view>

#include "target/i386/cpu_topology.h"
#include "util/result.h"

namespace qc::system {

struct CpuArrangement {
    unsigned cpus = 1;           // that exist
    i386::CpuTopology topology;  // has a place for each, and perhaps more
};

// "[cpus=]N[,maxcpus=N][,sockets=N][,dies=1][,cores=N][,threads=N]". What is left out
// follows from the rest; rather many cores than many sockets.
Result<CpuArrangement> parse_smp(const std::string& text);

// Whether a machine of that type can have so many. APIC IDs have gaps.
Result<void> check_cpu_count(const CpuArrangement& cpus, std::string_view machine_type,
                             unsigned most = 255);

}  // namespace qc::system
