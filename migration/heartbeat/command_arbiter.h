// SPDX-License-Identifier: GPL-2.0-or-later
//
// An arbiter that is a command: where a cluster engine plugs in. It is run by
// `/bin/sh -c` in a process group of its own, with the question in its environment:
//
//   QEMU_COLO_SIDE        primary, secondary
//   QEMU_COLO_PAIR        the pair's name
//   QEMU_COLO_GENERATION  a number; greater for each time the pair was made
//   QEMU_COLO_INSTANCE    who asks, 32 hexadecimal digits
//   QEMU_COLO_REASON      silence, link-lost, peer-says, peer-left, order
//
// Exit status 0: go on. 1: do not; that is final. Anything else, a signal, or no
// end within the timeout (the group is killed then): no answer, asked again later.
//
// Threading: as Arbiter.
#pragma once

#include <sys/types.h>

#include <string>

#include "migration/heartbeat/arbiter.h"

namespace qc::migration::heartbeat {

class CommandArbiter final : public Arbiter {
 public:
    struct Config {
        std::string command;
        std::string pair;
        int64_t timeout_ms = 5000;
    };
    explicit CommandArbiter(Config config) : config_(std::move(config)) {}

    ArbiterKind kind() const override { return ArbiterKind::kCommand; }
    Id id() const override { return kNoId; }
    Result<uint64_t> enroll(uint64_t above, const io::Interrupt& interrupt) override;
    Ruling ask(const Question& question, const io::Interrupt& interrupt) override;

 private:
    Result<pid_t> spawn(const Question& question) const;
    // The wait status; an error if it had to be killed.
    Result<int> await(pid_t pid, const io::Interrupt& interrupt) const;

    Config config_;
};

}  // namespace qc::migration::heartbeat
