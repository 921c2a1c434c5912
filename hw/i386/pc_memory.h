// SPDX-License-Identifier: GPL-2.0-or-later
//
// The memory map of the PC machines: RAM below 640 KiB, from 1 MiB on and above 4
// GiB, the rest PCI, with the firmware under 4 GiB and its last 128 KiB again
// under 1 MiB. What lies between 640 KiB and 1 MiB is the host bridge's to show
// (hw/i386/shadow_ram.h). The splits are QEMU's: on `pc`, RAM of 3.5 GiB or more
// stops at 3 GiB.
//
// Threading: machine lock. Owned by PcBoard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "memory/memory_region.h"
#include "memory/ram_list.h"
#include "util/result.h"

namespace qc::hw {

// RAM of `limit` bytes or more is cut: only `kept` of it lies below 4 GiB.
struct PcRamSplit {
    uint64_t limit = 0xe0000000;
    uint64_t kept = 0xc0000000;
};
// The Q35's configuration window begins at b0000000h.
inline constexpr PcRamSplit kQ35RamSplit{.limit = 0xb0000000, .kept = 0x80000000};

// How much of `ram_bytes` lies below 4 GiB.
uint64_t pc_ram_below_4g(uint64_t ram_bytes, PcRamSplit split = {});

class PcMemory {
 public:
    struct Config {
        uint64_t ram_bytes = 0;  // a multiple of the page size, at least 1 MiB
        std::span<const std::byte> firmware;
        PcRamSplit split = {};
        // The RAM, if it is there already: pieces one behind the other, together of that size.
        std::vector<memory::RamMemory> ram = {};
    };
    // Creates the blocks of RAM, "pc.ram" if none is given, and "pc.bios", and puts the map into
    // `root`.
    static Result<std::unique_ptr<PcMemory>> create(const Config& config, memory::RamList& blocks,
                                                    memory::MemoryRegion& root);
    ~PcMemory();

    memory::MemoryRegion& root() { return root_; }
    memory::MemoryRegion& ram() { return ram_; }
    // What answers where no RAM does.
    memory::MemoryRegion& pci() { return pci_; }
    uint64_t below_4g() const { return below_4g_; }
    uint64_t above_4g() const { return ram_.size() - below_4g_; }

 private:
    PcMemory(std::span<memory::RamBlock* const> ram, uint64_t ram_bytes, memory::RamBlock& firmware,
             uint64_t below_4g, memory::MemoryRegion& root);

    memory::MemoryRegion& root_;
    uint64_t below_4g_;
    memory::MemoryRegion ram_;
    std::vector<std::unique_ptr<memory::MemoryRegion>> ram_pieces_;
    memory::MemoryRegion conventional_ram_;
    memory::MemoryRegion extended_ram_;
    memory::MemoryRegion high_ram_;
    memory::MemoryRegion pci_;
    memory::MemoryRegion firmware_;
    memory::MemoryRegion isa_firmware_;
};

}  // namespace qc::hw
