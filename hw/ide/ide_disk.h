// SPDX-License-Identifier: GPL-2.0-or-later
//
// `ide-hd` and `ide-cd`: their properties, and a drive's place, geometry and names
// made of them. Also the drives that `-drive if=ide` stands for.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block/drive_table.h"
#include "hw/ide/ata_drive.h"
#include "hw/ide/atapi_drive.h"
#include "qom/object_type.h"

namespace qc::hw {

extern const qom::ObjectType kIdeHdType;
extern const qom::ObjectType kIdeCdType;

struct IdeDisk {
    unsigned channel = 0;
    unsigned unit = 0;
    // One of the two says what it is.
    AtaDriveConfig config;
    std::optional<AtapiDriveConfig> cdrom;
    block::BlockBackend* backend = nullptr;
    std::optional<uint32_t> boot_index;
};

// The disks of one controller, in the order in which they were asked for.
class IdeDisks {
 public:
    // Where a controller has its disks, and its name in Open Firmware's device tree.
    struct Controller {
        block::IdeLayout layout;
        std::string_view firmware_path = "/pci@i0cf8/ide@1,1";
    };
    IdeDisks() = default;
    explicit IdeDisks(const Controller& controller) : controller_(controller) {}

    // For the firmware's boot order.
    std::string firmware_path(const IdeDisk& disk) const;

    // `-drive if=ide`, as a device of this type with these values.
    static const qom::ObjectType& type_of(const block::Drive& drive);
    Result<void> add_drive(block::Drive& drive, const qom::PropertyValues& values);
    // `-device ide-hd` or `ide-cd`, with its id. `drives` has the drive that the
    // property names.
    Result<void> add_device(const qom::ObjectType& type, const std::string& id,
                            const qom::PropertyValues& properties, block::DriveTable& drives);

    const std::vector<IdeDisk>& disks() const { return disks_; }
    const IdeDisk* at(unsigned channel, unsigned unit) const;

 private:
    Result<void> choose_place(const qom::PropertyValues& properties, IdeDisk& disk) const;
    Result<void> take_boot_index(const qom::PropertyValues& properties, IdeDisk& disk) const;

    const Controller controller_;
    std::vector<IdeDisk> disks_;
};

}  // namespace qc::hw
