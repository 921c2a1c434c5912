// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which memory the guest's RAM is: -machine memory-backend=ID, -numa node,memdev=ID,
// -mem-path, or a back end of the machine's own, "pc.ram".
//
// Threading: main thread, while the machine is built.
#pragma once

#include "memory/ram_block.h"
#include "system/options.h"
#include "system/user_objects.h"

namespace qc::system {

// The objects of the command line exist. Sets options.ram_bytes where the back end says
// how much there is.
Result<memory::RamMemory> choose_guest_memory(Options& options, UserObjects& objects);

}  // namespace qc::system
