// SPDX-License-Identifier: GPL-2.0-or-later
//
// A kernel for Multiboot boot loaders, with any number of modules: an ELF image, or any
// file whose Multiboot header says itself what is loaded where. Source: "Multiboot
// Specification", version 0.6.96, chapter 3.
//
// Threading: pure functions on plain values.
#pragma once

#include <cstddef>
#include <span>

#include "hw/i386/boot_files.h"
#include "hw/i386/flat_boot.h"

namespace qc::hw {

// Whether there is a Multiboot header in the first 8 KiB.
bool has_multiboot_header(std::span<const std::byte> kernel);

// An error says what is wrong with the kernel, or what does not fit into memory.
Result<FlatBoot::Items> prepare_multiboot(const KernelFiles& files, uint64_t ram_below_4g);

}  // namespace qc::hw
