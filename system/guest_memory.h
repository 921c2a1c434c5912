// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which memory the guest's RAM is: -machine memory-backend=ID, one for each node by
// -numa node,memdev=ID, -mem-path, or a back end of the machine's own, "pc.ram".
//
// Threading: main thread, while the machine is built.
#pragma once

#include "memory/ram_block.h"
#include "system/numa_options.h"
#include "system/options.h"
#include "system/user_objects.h"

namespace qc::system {

struct GuestMemory {
    std::vector<memory::RamMemory> pieces;  // one behind the other
    std::vector<uint64_t> node_bytes;       // by node; empty: there are no nodes
};

// The objects of the command line exist. Sets options.ram_bytes where the back end says
// how much there is.
Result<GuestMemory> choose_guest_memory(Options& options, const NumaNodes& numa,
                                        UserObjects& objects);

}  // namespace qc::system
