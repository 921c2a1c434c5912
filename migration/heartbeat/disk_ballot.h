// SPDX-License-Identifier: GPL-2.0-or-later
//
// How two hosts agree, over two blocks of a disk that each can read and only one of
// them writes, which of them goes on: Disk Paxos (Gafni and Lamport, 2002) with one
// disk and two processors, as a pure machine. It needs neither a lock nor a clock:
// whatever the delays, both never decide differently; and one that is left alone
// decides after two writes.
//
//   write block -> read the other's -> write block -> read the other's -> decided
//        ^                 | its ballot is higher: begin again
//        +-----------------+---------------------+
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>

#include "migration/heartbeat/codec.h"

namespace qc::migration::heartbeat {

// What one side has written in one generation.
struct DiskVote {
    uint64_t ballot = 0;    // the highest that it has entered; 0: none
    uint64_t accepted = 0;  // the one in which it proposed `value`; 0: none
    Id value{};             // who is to go on
    bool operator==(const DiskVote&) const = default;
};

class DiskBallot {
 public:
    // `side` is 0 or 1, `mine` what its block holds, `self` whom it would choose.
    DiskBallot(unsigned side, const DiskVote& mine, const Id& self)
        : side_(side), vote_(mine), self_(self) {
        enter_above(mine.ballot);
    }

    // To be written before the other side's block is read again.
    const DiskVote& vote() const { return vote_; }
    // What was read there after the write.
    void saw(const DiskVote& other);
    // Who goes on.
    const std::optional<Id>& decided() const { return decided_; }
    // How often the other side was ahead. It may wait a while before it writes again.
    unsigned defeats() const { return defeats_; }

 private:
    void enter_above(uint64_t ballot);

    unsigned side_;
    DiskVote vote_;
    Id self_;
    std::optional<Id> decided_;
    unsigned defeats_ = 0;
};

}  // namespace qc::migration::heartbeat
