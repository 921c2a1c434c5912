// SPDX-License-Identifier: GPL-2.0-or-later
//
// A disk that takes part in COLO's checkpoints. Migration knows disks by this
// interface only.
//
// Threading: the migration thread, without the machine lock, with the VM stopped
// and every backend drained.
#pragma once

#include <string_view>

#include "util/result.h"

namespace qc::block {

class CheckpointParticipant {
 public:
    virtual ~CheckpointParticipant() = default;
    // The drive's id, for messages.
    virtual std::string_view participant_name() const = 0;
    // Secondary: what its guest wrote since the last commit is dropped, what the
    // primary's guest wrote until now becomes the disk.
    virtual Result<void> commit_checkpoint() = 0;
    // The other side is gone: what this side's guest wrote is the disk from now on.
    virtual Result<void> take_over() = 0;
};

}  // namespace qc::block
