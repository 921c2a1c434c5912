// SPDX-License-Identifier: GPL-2.0-or-later
//
// The virtio functions of a PC: those of `-device`, and the disks that `-drive
// if=virtio` stands for. They take the lowest free slot, or the one they name.
//
// Threading: main thread, under the machine lock once the machine runs. Used by PcBoard, which owns
// the devices.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block/drive_table.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci_bus.h"
#include "qom/object_type.h"
#include "util/entropy.h"

namespace qc::hw {

// A device that firmware may boot from.
struct BootEntry {
    uint32_t index = 0;
    std::string firmware_path;  // in Open Firmware's device tree
};

class PcVirtio {
 public:
    struct Deps {
        const DeviceContext& context;
        MsiPort& msi;
        PciBus& bus;
        block::DriveTable& drives;
        unsigned cpus = 1;
        // `rng=ID`; null if there is no such object.
        std::function<std::shared_ptr<EntropySource>(std::string_view id)> find_rng;
    };
    explicit PcVirtio(const Deps& deps) : deps_(deps) {}

    static bool knows(const qom::ObjectType& type);
    // Plugged in.
    Result<std::unique_ptr<PciDevice>> make(const qom::ObjectType& type,
                                            const qom::PropertyValues& properties);
    Result<std::unique_ptr<PciDevice>> make_drive(block::Drive& drive,
                                                  const qom::PropertyValues& properties);

    const std::vector<BootEntry>& boot_entries() const { return boot_entries_; }

 private:
    Result<PciSlot> place(std::optional<PciSlot> wanted) const;
    Result<std::unique_ptr<PciDevice>> make_blk(const qom::PropertyValues& properties,
                                                block::Drive& drive);
    Result<std::unique_ptr<PciDevice>> make_rng(const qom::PropertyValues& properties);

    const Deps deps_;
    std::vector<BootEntry> boot_entries_;
};

}  // namespace qc::hw
