// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/parameters.h"

namespace qc::migration {

namespace {

constexpr uint64_t kMaxDowntimeMs = 2000 * 1000;

}  // namespace

Result<Parameters> apply_changes(const Parameters& now, const ParameterChanges& changes) {
    if (!changes.unsupported.empty()) {
        return fail("Parameter '{}' is not supported by this version", changes.unsupported.front());
    }
    Parameters next = now;
    if (changes.max_bandwidth) next.max_bandwidth = *changes.max_bandwidth;
    if (changes.avail_switchover_bandwidth) {
        next.avail_switchover_bandwidth = *changes.avail_switchover_bandwidth;
    }
    if (changes.downtime_limit_ms) {
        if (*changes.downtime_limit_ms > kMaxDowntimeMs) {
            return fail(
                "Parameter 'downtime_limit' expects an integer in the range of 0 to {} "
                "milliseconds",
                kMaxDowntimeMs);
        }
        next.downtime_limit_ms = *changes.downtime_limit_ms;
    }
    if (changes.checkpoint_delay_ms) next.checkpoint_delay_ms = *changes.checkpoint_delay_ms;
    if (changes.colo_verify) next.colo_verify = *changes.colo_verify;
    return next;
}

}  // namespace qc::migration
