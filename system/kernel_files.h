// SPDX-License-Identifier: GPL-2.0-or-later
//
// The files of -kernel and -initrd.
//
// Threading: main thread, while the machine is built.
#pragma once

#include "hw/i386/boot_files.h"
#include "system/options.h"
#include "util/result.h"

namespace qc::system {

// options.kernel is given. A Multiboot kernel has modules, "FILE[ ARGUMENT]..." with
// commas between them (",," is a comma); others have one initial RAM disk.
Result<hw::KernelFiles> load_kernel_files(const Options& options);

}  // namespace qc::system
