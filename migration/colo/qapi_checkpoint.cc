// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/qapi_checkpoint.h"

#include "qapi/generated/qapi_types_colo.h"

namespace qc::qapi {

namespace mig = qc::migration;

// The enums have the same names in the same order.
static_assert(kColoCauseCount == mig::colo::kCauseCount);
static_assert(kColoPhaseCount == mig::colo::kPhaseCount);

ColoCheckpoint qapi_checkpoint(const mig::colo::CheckpointRecord& record) {
    ColoCheckpoint result{
        .epoch = record.epoch,
        .cause = static_cast<ColoCause>(record.cause),
        .pause = static_cast<uint64_t>(record.pause_us),
        .pages = record.traffic.pages,
        .zero_pages = record.traffic.zero_pages,
        .bytes = record.traffic.bytes,
    };
    for (size_t i = 0; i < record.phases.size(); ++i) {
        if (record.phases[i] == 0) continue;
        result.phases.push_back({static_cast<ColoPhase>(i), record.phases[i]});
    }
    return result;
}

}  // namespace qc::qapi
