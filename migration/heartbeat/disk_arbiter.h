// SPDX-License-Identifier: GPL-2.0-or-later
//
// An arbiter that is a disk which both hosts see (iSCSI, FC, DRBD, NBD). A lock on a
// block device is known to its own host only, so the two sides vote instead:
// DiskBallot. In bytes: docs/devel/colo-heartbeat.rst, "The arbiter disk".
//
// Everything goes past the host's cache, in aligned blocks of 4 KiB, of which only the
// first 512 bytes matter: a disk writes those whole or not at all.
//
// Threading: as Arbiter. A disk that does not answer holds the thread until it does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "migration/heartbeat/arbiter.h"
#include "migration/heartbeat/disk_ballot.h"
#include "util/unique_fd.h"

namespace qc::migration::heartbeat {

// One block of the disk.
struct DiskBlock {
    Id disk{};
    uint64_t generation = 0;
    DiskVote vote;
    std::string pair;
    bool operator==(const DiskBlock&) const = default;
};
std::vector<std::byte> encode(const DiskBlock& block);
// A block of zeros was never written: one without a disk.
Result<DiskBlock> parse_disk_block(std::span<const std::byte> bytes);

class DiskArbiter final : public Arbiter {
 public:
    static constexpr uint64_t kBlockSize = 4096;
    // That many generations are remembered.
    static constexpr uint64_t kGenerations = 256;
    // A first block that names the disk, then a block for each side and generation.
    static constexpr uint64_t kSize = (1 + 2 * kGenerations) * kBlockSize;

    struct Config {
        std::string path;
        std::string pair;
        unsigned side = 0;  // 0 or 1; the other host has the other one
        int64_t timeout_ms = 5000;
    };
    // Makes the first block if the disk is empty; refuses one that holds anything else.
    static Result<std::unique_ptr<DiskArbiter>> create(Config config);

    ArbiterKind kind() const override { return ArbiterKind::kDisk; }
    Id id() const override { return id_; }
    Result<uint64_t> enroll(uint64_t above, const io::Interrupt& interrupt) override;
    Ruling ask(const Question& question, const io::Interrupt& interrupt) override;

 private:
    explicit DiskArbiter(Config config) : config_(std::move(config)) {}
    Result<UniqueFd> open() const;
    Result<Id> identify(int fd) const;
    Result<DiskBlock> read_block(int fd, uint64_t index) const;
    Result<void> write_block(int fd, uint64_t index, const DiskBlock& block) const;
    Result<uint64_t> latest_generation(int fd) const;
    Result<Ruling> rule(const Question& question, const io::Interrupt& interrupt) const;
    Result<DiskVote> vote_of(int fd, uint64_t generation, unsigned side) const;

    Config config_;
    Id id_{};
};

}  // namespace qc::migration::heartbeat
