// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `-drive` says, checked. Keys and defaults are QEMU's; what is not here is
// refused by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "block/raw_file.h"
#include "util/option_string.h"
#include "util/result.h"

namespace qc::block {

enum class DriveInterface : uint8_t { kIde, kVirtio, kNone };

struct DriveOptions {
    std::string id;    // empty: the table gives one
    std::string file;  // empty: no medium
    bool cdrom = false;
    DriveInterface interface = DriveInterface::kIde;
    // Where an IDE drive goes, the number of a virtio drive; nothing: the first free one.
    std::optional<unsigned> index;
    bool format_given = false;
    RawFile::Access access = RawFile::Access::kReadWrite;
    RawFile::Cache cache = RawFile::Cache::kWriteBack;
    std::optional<bool> snapshot;  // nothing: as the machine's `-snapshot`
};

// The places for disks of a machine: the PIIX3 has two channels with two disks
// each, an AHCI controller six ports with one.
struct IdeLayout {
    unsigned buses = 2;
    unsigned units = 2;  // on each bus
    constexpr unsigned places() const { return buses * units; }
};

Result<DriveOptions> parse_drive_options(OptionString options, IdeLayout layout = {});

}  // namespace qc::block
