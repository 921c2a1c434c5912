// SPDX-License-Identifier: GPL-2.0-or-later

#include <sys/stat.h>

#include "block/drive_table.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_block_core.h"
#include "system/machine.h"

namespace qc::qapi {

namespace {

BlockDeviceInfo medium_of(const block::Drive& drive) {
    const std::string& file = drive.options.file;
    BlockDeviceInfo info{.file = file,
                         .ro = drive.backend->read_only(),
                         .drv = "raw",
                         .backing_file_depth = 0,
                         .detect_zeroes = BlockdevDetectZeroesOptions::kOff};
    info.image = {.filename = file,
                  .format = "raw",
                  .virtual_size = static_cast<int64_t>(drive.backend->length())};
    struct stat status{};
    if (stat(file.c_str(), &status) == 0) info.image.actual_size = status.st_blocks * 512;
    info.cache = {.writeback = drive.options.cache != block::RawFile::Cache::kWriteThrough,
                  .direct = false,
                  .no_flush = drive.options.cache == block::RawFile::Cache::kUnsafe};
    return info;
}

}  // namespace

Result<std::vector<BlockInfo>> qmp_query_block(monitor::MonitorContext& context) {
    std::vector<BlockInfo> infos;
    for (const auto& drive : context.drives->drives()) {
        infos.push_back({.device = drive->backend->id(),
                         .type = "unknown",
                         .removable = false,
                         .locked = false,
                         .inserted = medium_of(*drive)});
    }
    return infos;
}

}  // namespace qc::qapi
