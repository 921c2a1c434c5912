// SPDX-License-Identifier: GPL-2.0-or-later
//
// A kernel with a PVH entry point: an ELF image that says in a note where it is entered
// in 32-bit protected mode. Linux' vmlinux is one. Sources: "x86/HVM direct boot ABI" of
// Xen (misc/pvh), and xen/include/public/arch-x86/hvm/start_info.h for the record.
//
// Threading: pure functions on plain values.
#pragma once

#include "hw/i386/boot_files.h"
#include "hw/i386/elf_image.h"
#include "hw/i386/flat_boot.h"

namespace qc::hw {

bool has_pvh_entry(const ElfImage& image);

// An error says what is wrong with the kernel, or what does not fit into memory.
Result<FlatBoot::Items> prepare_pvh(const KernelFiles& files, uint64_t ram_below_4g);

}  // namespace qc::hw
