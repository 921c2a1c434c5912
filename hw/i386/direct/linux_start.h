// SPDX-License-Identifier: GPL-2.0-or-later
//
// A bzImage by the 32-bit boot protocol: the record that its real-mode code would have
// filled in ("zero page"), and its entry point. Source: "The Linux/x86 Boot Protocol",
// section "32-bit Boot Protocol", and Documentation/x86/zero-page.
//
// Threading: pure function on plain values.
#pragma once

#include "hw/i386/direct/boot_pieces.h"
#include "hw/i386/linux_image.h"
#include "util/result.h"

namespace qc::hw {

// An error: its header is cut off, or the command line does not fit below 640 KiB.
Result<LoadedKernel> start_linux(LinuxBoot boot, const BootFacts& facts);

}  // namespace qc::hw
