// SPDX-License-Identifier: GPL-2.0-or-later
//
// query-blockstats.
#include "block/drive_table.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_block_core.h"
#include "system/block_node_name.h"
#include "util/machine_lock.h"

namespace qc::qapi {

namespace {

BlockDeviceStats to_qapi(const block::BlockStatistics& counted) {
    const auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
    return {.rd_bytes = number(counted.read_bytes),
            .wr_bytes = number(counted.written_bytes),
            .rd_operations = number(counted.reads),
            .wr_operations = number(counted.writes),
            .flush_operations = number(counted.flushes),
            .unmap_operations = number(counted.discards),
            .wr_highest_offset = number(counted.highest_write_end),
            .failed_rd_operations = number(counted.failed_reads),
            .failed_wr_operations = number(counted.failed_writes),
            .failed_flush_operations = number(counted.failed_flushes),
            .account_invalid = false,
            .account_failed = false};
}

}  // namespace

Result<std::vector<BlockStats>> qmp_query_blockstats(monitor::MonitorContext& context,
                                                     const QueryBlockstatsArgs& args) {
    const bool of_nodes = args.query_nodes.value_or(false);
    std::vector<BlockStats> result;
    size_t index = 0;
    for (const auto& drive : context.drives->drives()) {
        const std::string node = system::block_node_name(index++);
        bool has_medium = false;
        {
            const MachineLockGuard guard(*context.machine_lock);
            has_medium = drive->backend->has_medium();
        }
        if (of_nodes && !has_medium) continue;
        BlockStats& stats = result.emplace_back();
        stats.stats = to_qapi(drive->backend->statistics());
        if (has_medium) stats.node_name = node;
        if (of_nodes) continue;
        stats.device = drive->backend->id();
        if (!drive->device_id.empty()) stats.qdev = drive->device_id;
    }
    return result;
}

}  // namespace qc::qapi
