// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who is asked before a side goes on alone: of the sides of one generation at most
// one ever hears "granted", however often and from wherever they ask.
//
// Threading: one thread at a time, which may wait and holds no lock; triggering
// the interrupt ends its wait. Owned by the heartbeat's driver.
#pragma once

#include <cstdint>
#include <string>

#include "io/wait.h"
#include "migration/heartbeat/codec.h"
#include "migration/heartbeat/fsm.h"
#include "util/result.h"

namespace qc::migration::heartbeat {

struct Question {
    uint64_t generation = 0;
    Id instance{};  // who asks
    ColoMode side = ColoMode::kNone;
    Reason reason = Reason::kSilence;
};

struct Ruling {
    Verdict verdict = Verdict::kUnreachable;
    std::string text;  // why, for people
};

class Arbiter {
 public:
    virtual ~Arbiter() = default;
    virtual ArbiterKind kind() const = 0;
    // The same on both sides if both name the same arbiter; kNoId: not known.
    virtual Id id() const = 0;
    // A generation above `above` that nobody has used. No question about an earlier
    // one is granted any more.
    virtual Result<uint64_t> enroll(uint64_t above, const io::Interrupt& interrupt) = 0;
    virtual Ruling ask(const Question& question, const io::Interrupt& interrupt) = 0;
};

// The least generation without a record: the host's clock in milliseconds, so that
// a pair that is started anew gets a higher one.
uint64_t generation_by_clock(uint64_t above);

}  // namespace qc::migration::heartbeat
