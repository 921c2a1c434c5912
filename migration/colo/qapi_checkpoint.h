// SPDX-License-Identifier: GPL-2.0-or-later
//
// A checkpoint's record as QMP shows it, in replies and in events.
//
// Threading: plain values.
#pragma once

#include "migration/colo/statistics.h"

namespace qc::qapi {

struct ColoCheckpoint;
ColoCheckpoint qapi_checkpoint(const migration::colo::CheckpointRecord& record);

}  // namespace qc::qapi
