// SPDX-License-Identifier: GPL-2.0-or-later
//
// An arbiter that is a file which both hosts see (NFS 4, OCFS2, GFS2, or one host).
//
// Whoever asks takes an exclusive lock on the whole file, reads the record, writes
// the winner if there is none yet, flushes, and lets go. The record stays when the
// processes end: who asks later learns who won. It is a fcntl() lock of the open
// file description (F_OFD_SETLK). flock() would do on one host, but NFS makes a
// byte-range lock of it only where the mount says so, and may keep it local; a plain
// fcntl() lock is lost when any descriptor of the file is closed. Taking a
// byte-range lock is also what makes an NFS client drop what it has cached.
//
// A lock on a block device is known to its own host only: DiskArbiter.
//
// The record is kept twice and written in turn, so that a host which dies while
// writing leaves the one before.
//
// Threading: as Arbiter.
#pragma once

#include <memory>
#include <string>

#include "migration/heartbeat/arbiter.h"
#include "util/unique_fd.h"

namespace qc::migration::heartbeat {

// What the file says. In bytes: docs/devel/colo-heartbeat.rst.
struct ArbiterRecord {
    uint64_t sequence = 0;
    Id file{};
    uint64_t generation = 0;
    Id winner{};  // kNoId: nobody yet
    std::string pair;
    bool operator==(const ArbiterRecord&) const = default;
};
std::vector<std::byte> encode(const ArbiterRecord& record);
Result<ArbiterRecord> parse_record(std::span<const std::byte> bytes);

class FileArbiter final : public Arbiter {
 public:
    struct Config {
        std::string path;
        std::string pair;
        int64_t timeout_ms = 5000;  // for the lock
    };
    // Makes the file if there is none. `instance` is the asker's.
    static Result<std::unique_ptr<FileArbiter>> create(Config config);

    ArbiterKind kind() const override { return ArbiterKind::kFile; }
    Id id() const override { return id_; }
    Result<uint64_t> enroll(uint64_t above, const io::Interrupt& interrupt) override;
    Ruling ask(const Question& question, const io::Interrupt& interrupt) override;

 private:
    explicit FileArbiter(Config config) : config_(std::move(config)) {}
    // Locked until it is closed.
    Result<UniqueFd> open_locked(const io::Interrupt& interrupt) const;
    Result<ArbiterRecord> read(int fd) const;
    Result<void> write(int fd, ArbiterRecord record) const;
    Result<Ruling> rule(const Question& question, const io::Interrupt& interrupt) const;

    Config config_;
    Id id_{};
};

}  // namespace qc::migration::heartbeat
