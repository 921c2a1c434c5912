// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-kernel` of any kind, made ready for the option ROM that starts it.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hw/i386/boot_files.h"
#include "hw/nvram/fw_cfg.h"
#include "util/result.h"

namespace qc::hw {

enum class KernelKind : uint8_t {
    kLinux,      // a bzImage
    kMultiboot,  // Multiboot Specification 0.6.96
    kPvh,        // an ELF image with a PVH entry point
};

// An error says that it is none of them.
Result<KernelKind> kernel_kind(std::span<const std::byte> kernel);

// Adds items and ROM; returns the ROM's place in the firmware's boot order. An error says
// what is wrong with the kernel, or what does not fit into memory.
Result<std::string_view> add_kernel(FwCfg& fw_cfg, const KernelFiles& files, uint64_t ram_below_4g);

}  // namespace qc::hw
