// SPDX-License-Identifier: GPL-2.0-or-later

#include <sys/stat.h>

#include "block/drive_table.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_block_core.h"
#include "system/block_node_name.h"
#include "system/machine.h"
#include "util/machine_lock.h"

namespace qc::qapi {

namespace {

// What only the machine lock lets one look at.
struct Looked {
    bool medium = false;
    bool read_only = false;
    uint64_t length = 0;
    std::optional<bool> tray_open;  // nothing: there is no tray
    bool locked = false;
};

Looked look_at(monitor::MonitorContext& context, const block::BlockBackend& backend) {
    MachineLockGuard guard(*context.machine_lock);
    Looked looked{.medium = backend.has_medium(),
                  .read_only = backend.read_only(),
                  .length = backend.length(),
                  .tray_open = std::nullopt};
    if (const block::Tray* tray = backend.tray()) {
        looked.tray_open = tray->tray_open();
        looked.locked = tray->tray_locked();
    }
    return looked;
}

BlockDeviceInfo medium_of(const block::Drive& drive, const Looked& looked, size_t index) {
    const std::string& file = drive.options.file;
    BlockDeviceInfo info{.file = file,
                         .node_name = system::block_node_name(index),
                         .ro = looked.read_only,
                         .drv = "raw",
                         .backing_file_depth = 0,
                         .detect_zeroes = BlockdevDetectZeroesOptions::kOff};
    info.image = {
        .filename = file, .format = "raw", .virtual_size = static_cast<int64_t>(looked.length)};
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
    size_t index = 0;
    for (const auto& drive : context.drives->drives()) {
        const size_t number = index++;
        const Looked looked = look_at(context, *drive->backend);
        BlockInfo& info = infos.emplace_back(BlockInfo{.device = drive->backend->id(),
                                                       .type = "unknown",
                                                       .removable = drive->removable(),
                                                       .locked = looked.locked});
        if (!drive->device_id.empty()) info.qdev = drive->device_id;
        if (looked.medium) info.inserted = medium_of(*drive, looked, number);
        info.tray_open = looked.tray_open;
    }
    return infos;
}

Result<std::vector<BlockDeviceInfo>> qmp_query_named_block_nodes(monitor::MonitorContext& context,
                                                                 const QueryNamedBlockNodesArgs&) {
    std::vector<BlockDeviceInfo> infos;
    size_t index = 0;
    for (const auto& drive : context.drives->drives()) {
        const size_t number = index++;
        const Looked looked = look_at(context, *drive->backend);
        if (looked.medium) infos.push_back(medium_of(*drive, looked, number));
    }
    return infos;
}

}  // namespace qc::qapi
