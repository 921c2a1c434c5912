// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/disk_ballot.h"

namespace qc::migration::heartbeat {

void DiskBallot::enter_above(uint64_t ballot) {
    // Each side has numbers of its own: one is even, the other one odd.
    vote_.ballot = ballot + 1 + (ballot + 1 + side_) % 2;
}

void DiskBallot::saw(const DiskVote& other) {
    if (other.ballot > vote_.ballot) {
        ++defeats_;
        enter_above(other.ballot);
        return;
    }
    if (vote_.accepted == vote_.ballot) {
        decided_ = vote_.value;
        return;
    }
    // Whatever may have been decided in an earlier ballot has to be said again.
    const DiskVote& latest = other.accepted > vote_.accepted ? other : vote_;
    vote_.value = latest.accepted > 0 ? latest.value : self_;
    vote_.accepted = vote_.ballot;
}

}  // namespace qc::migration::heartbeat
