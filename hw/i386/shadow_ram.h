// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a PC's memory controller shows between 640 KiB and 1 MiB: RAM over PCI in
// thirteen segments (PAM registers), and SMRAM while it is open. Source: Intel
// 82441FX datasheet, sections 3.2.18 and 3.2.19; the 82G33's registers are the same.
//
// Threading: machine lock. Owned by the host bridge; the tree and RAM outlive it.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "hw/i386/pam.h"
#include "hw/pci/pci_config.h"
#include "memory/memory_region.h"

namespace qc::hw {

class ShadowRam {
 public:
    // `memory_root` has only PCI there; `ram`'s byte 0 is address 0.
    ShadowRam(memory::MemoryRegion& memory_root, memory::MemoryRegion& ram);
    ~ShadowRam();
    ShadowRam(const ShadowRam&) = delete;
    ShadowRam& operator=(const ShadowRam&) = delete;

    // Brings the tree to what the registers say; true if that changed it, and the
    // address space has to be rebuilt.
    bool apply(std::span<const uint8_t, kPamRegisterCount> pam, uint8_t smram_control);

 private:
    // RAM over PCI, while it is enabled.
    struct Segment {
        memory::MemoryRegion ram;
        PamTarget target = PamTarget::kPci;
    };
    bool apply_smram(uint8_t smram_control);

    memory::MemoryRegion& memory_root_;
    std::vector<Segment> segments_;
    memory::MemoryRegion smram_;
};

// The seven PAM registers of a host bridge that has them at `first`.
std::array<uint8_t, kPamRegisterCount> pam_registers(const PciConfig& config, uint8_t first);

}  // namespace qc::hw
