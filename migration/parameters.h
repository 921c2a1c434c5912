// SPDX-License-Identifier: GPL-2.0-or-later
//
// The numbers of `migrate-set-parameters` that this version honours, with QEMU's
// names, defaults and ranges. The other names are refused (qmp_migration.cc
// knows them).
//
// Threading: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "util/result.h"

namespace qc::migration {

struct Parameters {
    uint64_t max_bandwidth = 128 * 1024 * 1024;  // bytes a second; 0: no limit
    // Bytes a second that the switchover may count on; 0: what was measured.
    uint64_t avail_switchover_bandwidth = 0;
    uint64_t downtime_limit_ms = 300;
    uint32_t checkpoint_delay_ms = 20'000;
    // Ours: after each checkpoint both sides compare what they hold.
    bool colo_verify = false;
};

struct ParameterChanges {
    std::optional<uint64_t> max_bandwidth;
    std::optional<uint64_t> avail_switchover_bandwidth;
    std::optional<uint64_t> downtime_limit_ms;
    std::optional<uint32_t> checkpoint_delay_ms;
    std::optional<bool> colo_verify;
    // QMP names of parameters that were given a value other than the one they have
    // and that do nothing in this version.
    std::vector<std::string> unsupported;
};

// The parameters after `changes`, or the first reason why not.
Result<Parameters> apply_changes(const Parameters& now, const ParameterChanges& changes);

}  // namespace qc::migration
