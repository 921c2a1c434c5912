// SPDX-License-Identifier: GPL-2.0-or-later
//
// PCI Express enhanced configuration access: a window of memory in which each
// function of each bus has 4 KiB of configuration space. Source: PCI Express Base
// Specification 1.1, section 7.2.2.
//
//   address - base:  27      20 19    15 14      12 11       0
//                   [   bus    | device | function | register ]
//
// A conventional function has 256 bytes; the rest of its 4 KiB reads as all ones,
// which is how an absent extended capability list looks.
//
// Threading: machine lock. Owned by the host bridge.
#pragma once

#include <optional>

#include "hw/pci/pci_bus.h"
#include "memory/io_handler.h"

namespace qc::hw {

class Ecam final : public memory::IoHandler {
 public:
    struct Place {
        uint64_t base = 0;
        uint64_t size = 0;  // 64, 128 or 256 MiB
        bool operator==(const Place&) const = default;
    };
    // `window` is where it appears: what answers where no RAM does.
    Ecam(memory::MemoryRegion& window, PciBus& bus);
    ~Ecam() override;
    Ecam(const Ecam&) = delete;
    Ecam& operator=(const Ecam&) = delete;

    // Moves it; true if the address space has to be rebuilt.
    bool move_to(const std::optional<Place>& place);
    const std::optional<Place>& place() const { return place_; }

    std::string_view io_name() const override { return "pcie-mmcfg-mmio"; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
    bool reaches(uint64_t offset) const;

    memory::MemoryRegion& window_;
    PciBus& bus_;
    memory::MemoryRegion region_;
    // What of the region is seen: as much as `place_` says.
    std::optional<memory::MemoryRegion> shown_;
    std::optional<Place> place_;
};

}  // namespace qc::hw
