// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/drive_options.h"

#include <algorithm>
#include <cctype>

namespace qc::block {

namespace {

Result<void> check_id(const std::string& id) {
    bool good = !id.empty() && std::isalpha(static_cast<unsigned char>(id[0])) != 0 &&
                std::ranges::all_of(id, [](unsigned char c) {
                    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
                });
    if (good) return {};
    Error error("Parameter 'id' expects an identifier");
    error.set_hint(
        "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
    return Failure(std::move(error));
}

Result<void> take_format(OptionString& options, DriveOptions& drive) {
    auto format = options.take("format");
    if (!format) return {};
    if (*format != "raw") return fail("Block format '{}' is not supported, only 'raw' is", *format);
    drive.format_given = true;
    return {};
}

Result<void> take_interface(OptionString& options, DriveOptions& drive) {
    auto interface = options.take("if");
    if (!interface || *interface == "ide") return {};
    if (*interface == "virtio") {
        drive.interface = DriveInterface::kVirtio;
        return {};
    }
    if (*interface != "none") return fail("unsupported bus type '{}'", *interface);
    drive.interface = DriveInterface::kNone;
    return {};
}

Result<void> take_place(OptionString& options, IdeLayout layout, DriveOptions& drive) {
    auto index = TRY(options.take_number("index"));
    auto bus = TRY(options.take_number("bus"));
    auto unit = TRY(options.take_number("unit"));
    if (!index && !bus && !unit) return {};
    if (index && (bus || unit)) return fail("index cannot be used with bus and unit");
    if (drive.interface == DriveInterface::kNone) {
        return fail("index, bus and unit need a drive with if=ide or if=virtio");
    }
    if (drive.interface == DriveInterface::kVirtio) {
        constexpr uint64_t kMaxIndex = 255;
        if (bus && *bus != 0) return fail("bus {} does not exist, virtio has 0", *bus);
        const uint64_t number = index ? *index : unit.value_or(0);
        if (number > kMaxIndex) return fail("index {} too big (max is {})", number, kMaxIndex);
        drive.index = static_cast<unsigned>(number);
        return {};
    }
    if (bus && *bus >= layout.buses) {
        return fail("bus {} does not exist, IDE has 0 to {}", *bus, layout.buses - 1);
    }
    if (unit && *unit >= layout.units) {
        return fail("unit {} too big (max is {})", *unit, layout.units - 1);
    }
    uint64_t place = index ? *index : layout.units * bus.value_or(0) + unit.value_or(0);
    if (place >= layout.places()) {
        return fail("index {} too big (max is {})", place, layout.places() - 1);
    }
    drive.index = static_cast<unsigned>(place);
    return {};
}

Result<void> take_cache(OptionString& options, DriveOptions& drive) {
    auto cache = options.take("cache");
    if (!cache || *cache == "writeback") return {};
    if (*cache == "writethrough") {
        drive.cache = RawFile::Cache::kWriteThrough;
    } else if (*cache == "unsafe") {
        drive.cache = RawFile::Cache::kUnsafe;
    } else if (*cache == "none" || *cache == "directsync") {
        return fail("cache mode '{}' is not supported: writeback, writethrough and unsafe are",
                    *cache);
    } else {
        return fail("invalid cache option");
    }
    return {};
}

Result<void> take_media(OptionString& options, DriveOptions& drive) {
    auto media = options.take("media");
    if (!media || *media == "disk") return {};
    if (*media != "cdrom") return fail("'{}' invalid media", *media);
    drive.cdrom = true;
    drive.access = RawFile::Access::kReadOnly;
    return {};
}

}  // namespace

Result<DriveOptions> parse_drive_options(OptionString options, IdeLayout layout) {
    DriveOptions drive;
    if (auto id = options.take("id")) {
        TRY(check_id(*id));
        drive.id = *std::move(id);
    }
    TRY(take_format(options, drive));
    TRY(take_interface(options, drive));
    TRY(take_place(options, layout, drive));
    TRY(take_media(options, drive));
    TRY(take_cache(options, drive));
    if (TRY(options.take_bool("readonly")).value_or(false)) {
        drive.access = RawFile::Access::kReadOnly;
    }
    drive.snapshot = TRY(options.take_bool("snapshot"));
    auto file = options.take("file");
    if (!options.options().empty()) {
        return fail("Block format 'raw' does not support the option '{}'",
                    options.options().front().key);
    }
    drive.file = std::move(file).value_or("");
    // What has a medium that can be taken out may come without one.
    const bool may_be_empty = drive.interface == DriveInterface::kNone ||
                              (drive.cdrom && drive.interface == DriveInterface::kIde);
    if (drive.file.empty() && !may_be_empty) {
        return fail("A drive needs a file: 'file' is missing or empty");
    }
    return drive;
}

}  // namespace qc::block
