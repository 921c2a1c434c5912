// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `query-migrate` shows, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "io/socket_address.h"
#include "migration/colo/statistics.h"
#include "migration/migration_status.h"

namespace qc::migration {

struct RamInfo {
    uint64_t transferred = 0;
    uint64_t remaining = 0;
    uint64_t total = 0;
    uint64_t duplicate = 0;
    uint64_t normal = 0;
    uint64_t normal_bytes = 0;
    uint64_t dirty_pages_rate = 0;
    double mbps = 0;
    uint64_t dirty_sync_count = 0;
    uint64_t page_size = 4096;
    uint64_t pages_per_second = 0;
    uint64_t multifd_bytes = 0;  // of `transferred`
    uint64_t missed_zero_copy = 0;
    uint64_t precopy_bytes = 0;
    uint64_t downtime_bytes = 0;
};

struct XbzrleInfo {
    uint64_t cache_size = 0;
    uint64_t bytes = 0;
    uint64_t pages = 0;
    uint64_t cache_miss = 0;
    double cache_miss_rate = 0;  // of all pages that were looked for
    double encoding_rate = 0;    // bytes of pages for each byte sent
    uint64_t overflow = 0;
};

struct MigrationInfo {
    // Nothing: no migration was ever begun here.
    std::optional<MigrationStatus> status;
    std::optional<RamInfo> ram;        // of the source side
    std::optional<XbzrleInfo> xbzrle;  // with that capability
    std::optional<int64_t> total_time_ms;
    std::optional<int64_t> setup_time_ms;
    std::optional<int64_t> downtime_ms;           // once it is over
    std::optional<int64_t> expected_downtime_ms;  // before
    std::optional<int64_t> cpu_throttle_percentage;
    std::optional<std::string> error_desc;
    std::optional<io::SocketAddress> socket_address;  // of the incoming side
    std::optional<colo::ColoSummary> colo;            // since there was COLO
};

}  // namespace qc::migration
