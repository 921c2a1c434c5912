// SPDX-License-Identifier: GPL-2.0-or-later
//
// A Linux kernel in the form that boot loaders get (bzImage), taken apart and told
// where its initial RAM disk and its command line are. Source: "The Linux/x86 Boot
// Protocol", versions 2.02 to 2.15.
//
// Threading: pure functions on plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hw/i386/boot_files.h"
#include "hw/nvram/fw_cfg.h"
#include "util/result.h"

namespace qc::hw {

struct LinuxBoot {
    struct Piece {
        uint32_t address = 0;
        std::vector<std::byte> bytes;
    };
    Piece setup;         // real-mode code, with what the kernel is told filled in
    Piece kernel;        // protected-mode code
    Piece command_line;  // ends with a zero
    Piece initrd;        // empty: none
};

// Whether it says that it is one.
bool has_linux_header(std::span<const std::byte> image);

// An error says what is wrong with the kernel, or what does not fit into memory.
Result<LinuxBoot> prepare_linux(const KernelFiles& files, uint64_t ram_below_4g);

// For the option ROM (pc-bios/linuxboot.S), which is handed over as well.
void add_linux_boot(FwCfg& fw_cfg, LinuxBoot boot);
// The ROM in the firmware's boot order.
inline constexpr std::string_view kLinuxBootPath = "/rom@genroms/linuxboot.bin";

}  // namespace qc::hw
