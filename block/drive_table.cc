// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/drive_table.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "block/snapshot_overlay.h"

namespace qc::block {

namespace {

constexpr unsigned kMaxWorkers = 4;

// A user who gives no format must not have an image of another one taken for the
// disk's bytes.
Result<void> refuse_foreign_format(Image& image, const std::string& file) {
    struct Magic {
        std::string_view bytes;
        std::string_view format;
    };
    constexpr std::array<Magic, 3> kMagics{{
        {"QFI\xfb", "qcow2"},
        {"KDMV", "vmdk"},
        {"vhdxfile", "vhdx"},
    }};
    if (image.length() < kSectorSize) return {};
    std::array<char, kSectorSize> sector;
    iovec buffer{sector.data(), sector.size()};
    if (image.read(0, {&buffer, 1}) != 0) return {};
    for (const Magic& magic : kMagics) {
        if (std::memcmp(sector.data(), magic.bytes.data(), magic.bytes.size()) != 0) continue;
        Error error(fmt::format("Block format '{}' of '{}' is not supported", magic.format, file));
        error.set_hint("Say format=raw if these really are the disk's own bytes.");
        return Failure(std::move(error));
    }
    return {};
}

Result<std::unique_ptr<Image>> open_image(const DriveOptions& options, bool snapshot,
                                          FdSets* fd_sets) {
    RawFile::Access access = snapshot ? RawFile::Access::kReadOnly : options.access;
    std::unique_ptr<Image> image = TRY(RawFile::open(options.file, access, options.cache, fd_sets));
    if (!options.format_given) TRY(refuse_foreign_format(*image, options.file));
    if (!snapshot) return image;
    return TRY(SnapshotOverlay::create(std::move(image), SnapshotOverlay::default_directory()));
}

}  // namespace

DriveTable::DriveTable(const Config& config, const Deps& deps)
    : config_(config), deps_(deps), workers_(kMaxWorkers) {}

DriveTable::~DriveTable() {
    drives_.clear();
    workers_.shut_down();
}

Result<void> DriveTable::place(DriveOptions& drive) const {
    if (drive.interface == DriveInterface::kNone) return {};
    auto taken = [&](unsigned index) {
        return std::ranges::any_of(drives_, [&](const auto& other) {
            return other->options.interface == drive.interface && other->options.index == index;
        });
    };
    if (drive.interface == DriveInterface::kVirtio) {
        if (drive.index && taken(*drive.index))
            return fail("drive with index={} exists", *drive.index);
        unsigned number = 0;
        while (!drive.index && taken(number))
            ++number;
        if (!drive.index) drive.index = number;
        return {};
    }
    if (drive.index) {
        if (!taken(*drive.index)) return {};
        return fail("drive with bus={}, unit={} (index={}) exists",
                    *drive.index / config_.ide.units, *drive.index % config_.ide.units,
                    *drive.index);
    }
    for (unsigned index = 0; index < config_.ide.places(); ++index) {
        if (taken(index)) continue;
        drive.index = index;
        return {};
    }
    return fail("no place left for an IDE drive, there are {}", config_.ide.places());
}

std::string DriveTable::default_id(const DriveOptions& drive) const {
    if (drive.interface == DriveInterface::kIde) {
        return fmt::format("ide{}-{}{}", *drive.index / config_.ide.units,
                           drive.cdrom ? "cd" : "hd", *drive.index % config_.ide.units);
    }
    if (drive.interface == DriveInterface::kVirtio) return fmt::format("virtio{}", *drive.index);
    auto others = std::ranges::count_if(drives_, [](const auto& other) {
        return other->options.interface == DriveInterface::kNone;
    });
    return fmt::format("none{}", others);
}

Result<void> DriveTable::add(OptionString options) {
    DriveOptions drive = TRY(parse_drive_options(std::move(options), config_.ide));
    TRY(place(drive));
    if (drive.id.empty()) drive.id = default_id(drive);
    if (find(drive.id) != nullptr) return fail("Duplicate ID '{}' for drive", drive.id);

    // What is never written needs no overlay.
    const bool snapshot = !drive.cdrom && drive.snapshot.value_or(config_.snapshot);
    std::unique_ptr<Image> image;
    if (!drive.file.empty()) image = TRY(open_image(drive, snapshot, deps_.fd_sets));
    Drive& added = append(std::move(drive), std::move(image));
    if (config_.inactive) return {};
    if (auto active = added.backend->activate(); !active) {
        drives_.pop_back();
        return active;
    }
    return {};
}

Drive& DriveTable::append(DriveOptions options, std::unique_ptr<Image> image) {
    auto added = std::make_unique<Drive>();
    auto moved = [this, drive = added.get()](bool open) {
        if (deps_.tray_moved) deps_.tray_moved(*drive, open);
    };
    added->backend = std::make_unique<BlockBackend>(
        BlockBackend::Deps{deps_.loop, deps_.lock, workers_, std::move(moved)}, options.id,
        std::move(image));
    added->options = std::move(options);
    drives_.push_back(std::move(added));
    return *drives_.back();
}

Drive& DriveTable::add_anonymous() {
    DriveOptions options;
    options.interface = DriveInterface::kNone;
    options.cdrom = true;
    options.access = RawFile::Access::kReadOnly;
    Drive& drive = append(std::move(options), nullptr);
    drive.attached = true;
    return drive;
}

Drive* DriveTable::find(std::string_view id) const {
    auto found = std::ranges::find_if(
        drives_, [&](const auto& drive) { return !id.empty() && drive->options.id == id; });
    return found == drives_.end() ? nullptr : found->get();
}

Drive* DriveTable::find_device(std::string_view device_id) const {
    auto found = std::ranges::find_if(drives_, [&](const auto& drive) {
        return !device_id.empty() && drive->device_id == device_id;
    });
    return found == drives_.end() ? nullptr : found->get();
}

Result<DriveTable::Medium> DriveTable::open_medium(const Drive& drive, std::string file,
                                                   bool format_given) const {
    Medium medium{.options = drive.options, .image = nullptr};
    medium.options.file = std::move(file);
    medium.options.format_given = format_given;
    medium.options.access = RawFile::Access::kReadOnly;
    medium.image = TRY(open_image(medium.options, false, deps_.fd_sets));
    return medium;
}

Result<void> DriveTable::insert_medium(Drive& drive, Medium medium) {
    // With the old medium's lock still held: it may be the same file.
    if (drive.backend->active()) TRY(medium.image->activate());
    drive.options = std::move(medium.options);
    MachineLockGuard guard(deps_.lock);
    drive.backend->change_medium(std::move(medium.image));
    return {};
}

void DriveTable::remove_medium(Drive& drive) {
    drive.options.file.clear();
    MachineLockGuard guard(deps_.lock);
    drive.backend->change_medium(nullptr);
}

Result<Drive*> DriveTable::attach(std::string_view id) {
    Drive* drive = find(id);
    if (drive == nullptr) return fail("can't find value '{}'", id);
    if (drive->attached) {
        return fail("Drive '{}' is already in use by another block device", id);
    }
    drive->attached = true;
    return drive;
}

Result<void> DriveTable::activate() {
    std::vector<BlockBackend*> changed;
    for (const auto& drive : drives_) {
        if (drive->backend->active()) continue;
        auto result = drive->backend->activate().context("drive '{}'", drive->options.id);
        if (!result) {
            for (BlockBackend* backend : changed)
                backend->inactivate();
            return result;
        }
        changed.push_back(drive->backend.get());
    }
    return {};
}

void DriveTable::inactivate() {
    for (const auto& drive : drives_)
        drive->backend->inactivate();
}

void DriveTable::drain() {
    for (const auto& drive : drives_)
        drive->backend->drain();
}

}  // namespace qc::block
