// SPDX-License-Identifier: GPL-2.0-or-later
//
// Starts a kernel without firmware (`-machine x-direct-kernel=on`): makes ready what
// firmware would have done, and does it after each reset. docs/devel/kernel-boot.rst
// says what that is.
//
//   create()    reads the kernel, places the firmware's tables, gives PCI addresses
//   start()     after each reset: chipset, memory
//   processor_start()  what the processors begin with then
//
// Threading: machine lock. Owned by PcBoard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "hw/core/processor_start.h"
#include "hw/i386/boot_files.h"
#include "hw/i386/direct/boot_pieces.h"
#include "hw/i386/pc_fw_cfg.h"
#include "hw/i386/pc_interrupts.h"
#include "hw/pci/pci_assignment.h"
#include "memory/address_space.h"
#include "util/result.h"

namespace qc::hw {

class DirectBoot {
 public:
    // `machine` and the files are as the firmware would get them; all functions are on the
    // bus. An error is about the kernel, or what does not fit.
    static Result<std::unique_ptr<DirectBoot>> create(const PcFwCfgConfig& machine,
                                                      const KernelFiles& files, const PciBus& bus);

    struct Machine {
        PciBus& bus;
        PcInterrupts& interrupts;
        memory::AddressSpace& memory;
        memory::AddressSpace& io;
    };
    void start(const Machine& machine) const;
    ProcessorStart processor_start(unsigned cpu) const;

 private:
    DirectBoot(PcChipsetKind chipset, std::vector<PciBarPlace> bars, LoadedKernel loaded,
               uint32_t devices_from);

    PcChipsetKind chipset_;
    std::vector<PciBarPlace> bars_;
    LoadedKernel loaded_;
    uint32_t devices_from_;
};

}  // namespace qc::hw
