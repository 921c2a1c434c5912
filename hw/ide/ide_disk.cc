// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ide_disk.h"

#include <algorithm>

#include "hw/core/device_type.h"

namespace qc::hw {

namespace {

using qom::PropertyDef;
using qom::PropertyKind;

constexpr PropertyDef kIdeHdProperties[] = {
    {.name = "drive",
     .kind = PropertyKind::kString,
     .description = "ID of a drive (-drive if=none)"},
    {.name = "bus", .kind = PropertyKind::kString, .description = "ide.0, ide.1, ..."},
    {.name = "unit", .kind = PropertyKind::kUint32, .description = "0 or 1; AHCI has 0"},
    {.name = "serial", .kind = PropertyKind::kString, .description = "at most 20 characters"},
    {.name = "model",
     .kind = PropertyKind::kString,
     .description = "at most 40 characters",
     .default_value = "QEMU HARDDISK"},
    {.name = "ver",
     .kind = PropertyKind::kString,
     .description = "firmware version, at most 8 characters",
     .default_value = "2.5+"},
    {.name = "cyls", .kind = PropertyKind::kUint32, .description = "cylinders, up to 65535"},
    {.name = "heads", .kind = PropertyKind::kUint32, .description = "heads, up to 16"},
    {.name = "secs", .kind = PropertyKind::kUint32, .description = "sectors per track, up to 255"},
    {.name = "bootindex",
     .kind = PropertyKind::kInt32,
     .description = "place in the boot order",
     .default_value = -1},
};

constexpr PropertyDef kIdeCdProperties[] = {
    {.name = "drive",
     .kind = PropertyKind::kString,
     .description = "ID of a drive (-drive if=none); without one, the tray is empty"},
    {.name = "bus", .kind = PropertyKind::kString, .description = "ide.0, ide.1, ..."},
    {.name = "unit", .kind = PropertyKind::kUint32, .description = "0 or 1; AHCI has 0"},
    {.name = "serial", .kind = PropertyKind::kString, .description = "at most 20 characters"},
    {.name = "model",
     .kind = PropertyKind::kString,
     .description = "at most 40 characters",
     .default_value = "QEMU DVD-ROM"},
    {.name = "ver",
     .kind = PropertyKind::kString,
     .description = "firmware version, at most 8 characters",
     .default_value = "2.5+"},
    {.name = "bootindex",
     .kind = PropertyKind::kInt32,
     .description = "place in the boot order",
     .default_value = -1},
};

Result<std::string> text_of(const qom::PropertyValues& properties, std::string_view name,
                            size_t limit) {
    std::string text(properties.get_string(name));
    if (text.size() <= limit) return text;
    return fail("property '{}': '{}' is longer than {} characters", name, text, limit);
}

Result<void> take_geometry(const qom::PropertyValues& properties, AtaDriveConfig& config) {
    default_geometry(config);
    const bool given[] = {properties.is_set("cyls"), properties.is_set("heads"),
                          properties.is_set("secs")};
    if (std::ranges::none_of(given, [](bool set) { return set; })) return {};
    if (!std::ranges::all_of(given, [](bool set) { return set; })) {
        return fail("ide-hd needs cyls, heads and secs, or none of them");
    }
    auto in_range = [&](std::string_view name, uint64_t limit) -> Result<uint64_t> {
        const uint64_t value = properties.get_uint(name);
        if (value >= 1 && value <= limit) return value;
        return fail("{} must be between 1 and {}", name, limit);
    };
    config.cylinders = static_cast<uint16_t>(TRY(in_range("cyls", 65535)));
    config.heads = static_cast<uint8_t>(TRY(in_range("heads", 16)));
    config.sectors_per_track = static_cast<uint8_t>(TRY(in_range("secs", 255)));
    return {};
}

std::string default_serial(const IdeDisk& disk) {
    return fmt::format("QM{:05}", 2 * disk.channel + disk.unit + 1);
}

// Serial number, model and version: of both kinds of drive.
template <typename Config>
Result<void> take_names(const qom::PropertyValues& properties, const IdeDisk& disk,
                        Config& config) {
    config.serial = TRY(text_of(properties, "serial", 20));
    if (config.serial.empty()) config.serial = default_serial(disk);
    config.model = TRY(text_of(properties, "model", 40));
    config.version = TRY(text_of(properties, "ver", 8));
    return {};
}

Result<void> take_backend(block::Drive& drive, IdeDisk& disk) {
    disk.backend = drive.backend.get();
    if (disk.cdrom) return {};
    if (!disk.backend->has_medium()) return fail("Device needs media, but drive is empty");
    if (disk.backend->read_only()) return fail("Block node is read-only");
    disk.config.sectors = disk.backend->length() / ata::kSectorSize;
    if (disk.config.sectors == 0) return fail("drive '{}' is empty", drive.options.id);
    return {};
}

}  // namespace

const qom::ObjectType kIdeHdType{.name = "ide-hd",
                                 .parent = &kIdeDeviceType,
                                 .description = "IDE hard disk",
                                 .properties = kIdeHdProperties};
const qom::ObjectType kIdeCdType{.name = "ide-cd",
                                 .parent = &kIdeDeviceType,
                                 .description = "IDE CD-ROM drive",
                                 .properties = kIdeCdProperties};

std::string IdeDisks::firmware_path(const IdeDisk& disk) const {
    return fmt::format("{}/drive@{}/disk@{}", controller_.firmware_path, disk.channel, disk.unit);
}

const IdeDisk* IdeDisks::at(unsigned channel, unsigned unit) const {
    auto found = std::ranges::find_if(
        disks_, [&](const IdeDisk& disk) { return disk.channel == channel && disk.unit == unit; });
    return found == disks_.end() ? nullptr : &*found;
}

const qom::ObjectType& IdeDisks::type_of(const block::Drive& drive) {
    return drive.options.cdrom ? kIdeCdType : kIdeHdType;
}

Result<void> IdeDisks::add_drive(block::Drive& drive, const qom::PropertyValues& values) {
    IdeDisk disk;
    disk.channel = *drive.options.index / controller_.layout.units;
    disk.unit = *drive.options.index % controller_.layout.units;
    if (drive.options.cdrom) disk.cdrom.emplace();
    TRY(take_backend(drive, disk));
    drive.attached = true;
    if (disk.cdrom) {
        TRY(take_names(values, disk, *disk.cdrom));
    } else {
        TRY(take_names(values, disk, disk.config));
        TRY(take_geometry(values, disk.config));
    }
    TRY(take_boot_index(values, disk));
    disks_.push_back(std::move(disk));
    return {};
}

Result<void> IdeDisks::choose_place(const qom::PropertyValues& properties, IdeDisk& disk) const {
    const block::IdeLayout layout = controller_.layout;
    const std::string_view bus = properties.get_string("bus");
    std::optional<unsigned> wanted;
    for (unsigned number = 0; number < layout.buses; ++number) {
        if (bus == fmt::format("ide.{}", number)) wanted = number;
    }
    if (!bus.empty() && !wanted) return fail("Bus '{}' not found", bus);
    const bool unit_given = properties.is_set("unit");
    const uint64_t unit = properties.get_uint("unit");
    if (unit >= layout.units) {
        return fail("Can't create IDE unit {}, bus supports only {} units", unit, layout.units);
    }

    for (unsigned place = 0; place < layout.places(); ++place) {
        const unsigned channel = place / layout.units;
        const unsigned number = place % layout.units;
        if (wanted && channel != *wanted) continue;
        if (unit_given && number != unit) continue;
        if (at(channel, number) != nullptr) {
            // Who names no bus means the first one with room; a unit is on one bus.
            if (unit_given && wanted) return fail("IDE unit {} is in use", unit);
            continue;
        }
        disk.channel = channel;
        disk.unit = number;
        return {};
    }
    return fail("no place left for an IDE disk{}{}", bus.empty() ? "" : " on ", bus);
}

Result<void> IdeDisks::take_boot_index(const qom::PropertyValues& properties, IdeDisk& disk) const {
    if (!properties.is_set("bootindex") || properties.get_int("bootindex") < 0) return {};
    disk.boot_index = static_cast<uint32_t>(properties.get_int("bootindex"));
    if (std::ranges::find(disks_, disk.boot_index, &IdeDisk::boot_index) == disks_.end()) return {};
    return fail("The bootindex {} has already been used", *disk.boot_index);
}

Result<void> IdeDisks::add_device(const qom::ObjectType& type, const std::string& id,
                                  const qom::PropertyValues& properties,
                                  block::DriveTable& drives) {
    IdeDisk disk;
    if (&type == &kIdeCdType) disk.cdrom.emplace();
    TRY(choose_place(properties, disk));
    const std::string_view drive_id = properties.get_string("drive");
    block::Drive* drive = nullptr;
    if (!drive_id.empty()) {
        if (drives.find(drive_id) == nullptr) {
            return fail("Property '{}.drive' can't find value '{}'", type.name, drive_id);
        }
        drive = TRY(drives.attach(drive_id));
    } else if (disk.cdrom) {
        drive = &drives.add_anonymous();
    } else {
        return fail("Device needs media, but drive is empty");
    }
    drive->device_id = id;
    TRY(take_backend(*drive, disk));
    if (disk.cdrom) {
        TRY(take_names(properties, disk, *disk.cdrom));
    } else {
        TRY(take_names(properties, disk, disk.config));
        TRY(take_geometry(properties, disk.config));
    }
    TRY(take_boot_index(properties, disk));
    disks_.push_back(std::move(disk));
    return {};
}

}  // namespace qc::hw
