// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-kernel` of any kind, made ready for the option ROM that starts it, or for who does
// that ROM's work (hw/i386/direct/).
//
// Threading: main thread, while the machine is built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "hw/i386/boot_files.h"
#include "hw/i386/flat_boot.h"
#include "hw/i386/linux_image.h"
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

using PreparedKernel = std::variant<LinuxBoot, FlatBoot::Items>;
// An error says what is wrong with the kernel, or what does not fit into memory.
Result<PreparedKernel> prepare_kernel(const KernelFiles& files, uint64_t ram_below_4g);

// Adds items and ROM; returns the ROM's place in the firmware's boot order.
Result<std::string_view> add_kernel(FwCfg& fw_cfg, const KernelFiles& files, uint64_t ram_below_4g);

}  // namespace qc::hw
