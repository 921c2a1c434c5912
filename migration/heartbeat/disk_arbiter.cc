// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/disk_arbiter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "migration/heartbeat/sealed_record.h"
#include "util/host_memory.h"

namespace qc::migration::heartbeat {

namespace {

constexpr uint32_t kMagic = 0x51434144;  // "QCAD"
// After which a first block that two hosts write at the same time is one of the two.
constexpr int64_t kSettleMs = 200;
// A side that was overtaken leaves the other one time to finish.
constexpr int64_t kMaxBackOffMs = 200;

Result<void> read_at(int fd, std::span<std::byte> bytes, uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t count = pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "reading the arbiter disk");
        if (count == 0) return fail("the arbiter disk has become smaller");
        bytes = bytes.subspan(static_cast<size_t>(count));
        offset += static_cast<uint64_t>(count);
    }
    return {};
}

bool is_zero(std::span<const std::byte> bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

uint64_t index_of(uint64_t generation, unsigned side) {
    return 1 + generation % DiskArbiter::kGenerations * 2 + side;
}

}  // namespace

std::vector<std::byte> encode(const DiskBlock& block) {
    ByteWriter out;
    out.bytes(block.disk);
    out.be64(block.generation);
    out.be64(block.vote.ballot);
    out.be64(block.vote.accepted);
    out.bytes(block.vote.value);
    out.counted_string(block.pair);
    return seal_record(kMagic, out);
}

Result<DiskBlock> parse_disk_block(std::span<const std::byte> bytes) {
    if (is_zero(bytes)) return DiskBlock{};
    ByteReader in =
        TRY(open_record(kMagic, bytes.first(std::min(bytes.size(), kSealedRecordSize))));
    DiskBlock block;
    std::ranges::copy(TRY(in.bytes(block.disk.size(), "disk")), block.disk.begin());
    block.generation = TRY(in.be64("generation"));
    block.vote.ballot = TRY(in.be64("ballot"));
    block.vote.accepted = TRY(in.be64("accepted"));
    std::ranges::copy(TRY(in.bytes(block.vote.value.size(), "value")), block.vote.value.begin());
    block.pair = TRY(in.counted_string("pair"));
    const bool voted = block.vote.accepted > 0;
    if (block.disk == kNoId || block.pair.size() > kMaxName ||
        block.vote.accepted > block.vote.ballot || voted != (block.vote.value != kNoId)) {
        return fail("a record is bad");
    }
    return block;
}

Result<std::unique_ptr<DiskArbiter>> DiskArbiter::create(Config config) {
    auto arbiter = std::unique_ptr<DiskArbiter>(new DiskArbiter(std::move(config)));
    const std::string& path = arbiter->config_.path;
    UniqueFd fd = TRY(arbiter->open());
    const off_t size = lseek(fd.get(), 0, SEEK_END);
    if (size < 0) return fail_errno(errno, "looking at the arbiter disk '{}'", path);
    if (static_cast<uint64_t>(size) < kSize) {
        return fail("the arbiter disk '{}' has {} bytes, it needs {}", path, size, kSize);
    }
    HostMemory all = TRY(HostMemory::map(kSize));
    TRY(read_at(fd.get(), all.bytes(), 0));
    const Result<DiskBlock> first = parse_disk_block(all.bytes().first(kBlockSize));
    const bool empty = is_zero(all.bytes());
    if (!first || (first->disk == kNoId && !empty)) {
        return fail(
            "'{}' holds something else. To make it an arbiter disk, clear its first {} bytes", path,
            kSize);
    }
    if (empty) {
        const DiskBlock named{.disk = random_id(), .vote = {}, .pair = arbiter->config_.pair};
        TRY(arbiter->write_block(fd.get(), 0, named));
        auto interrupt = TRY(io::Interrupt::create());
        (void)io::wait_for(-1, FdEvents::kRead, interrupt.get(), io::deadline_in_ms(kSettleMs));
    }
    arbiter->id_ = TRY(arbiter->identify(fd.get()));
    return arbiter;
}

// Opened for each question: a disk may come back under its name.
Result<UniqueFd> DiskArbiter::open() const {
    UniqueFd fd(::open(config_.path.c_str(), O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC));
    if (!fd) return fail_errno(errno, "opening the arbiter disk '{}'", config_.path);
    return fd;
}

Result<Id> DiskArbiter::identify(int fd) const {
    const DiskBlock first = TRY(read_block(fd, 0));
    if (first.disk == kNoId) {
        return fail("the arbiter disk '{}' has lost its first block", config_.path);
    }
    return first.disk;
}

Result<DiskBlock> DiskArbiter::read_block(int fd, uint64_t index) const {
    HostMemory buffer = TRY(HostMemory::map(kBlockSize));
    TRY(read_at(fd, buffer.bytes(), index * kBlockSize));
    Result<DiskBlock> block = parse_disk_block(buffer.bytes());
    if (!block) return fail("the arbiter disk '{}': {}", config_.path, block.error().message());
    if (block->disk == kNoId) return block;
    if (block->pair != config_.pair) {
        return fail("the arbiter disk '{}' belongs to the pair '{}', not to '{}'", config_.path,
                    block->pair, config_.pair);
    }
    if (id_ != kNoId && block->disk != id_) {
        return fail("the arbiter disk '{}' is not the one that it was", config_.path);
    }
    return block;
}

Result<void> DiskArbiter::write_block(int fd, uint64_t index, const DiskBlock& block) const {
    HostMemory buffer = TRY(HostMemory::map(kBlockSize));
    std::ranges::copy(encode(block), buffer.bytes().begin());
    ssize_t count = -1;
    do {
        count =
            pwrite(fd, buffer.bytes().data(), kBlockSize, static_cast<off_t>(index * kBlockSize));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return fail_errno(errno, "writing the arbiter disk '{}'", config_.path);
    if (count != static_cast<ssize_t>(kBlockSize)) {
        return fail("the arbiter disk '{}' took only {} bytes", config_.path, count);
    }
    return {};
}

Result<uint64_t> DiskArbiter::latest_generation(int fd) const {
    if (TRY(identify(fd)) != id_) {
        return fail("the arbiter disk '{}' is not the one that it was", config_.path);
    }
    uint64_t latest = 0;
    HostMemory all = TRY(HostMemory::map(kSize));
    TRY(read_at(fd, all.bytes(), 0));
    for (uint64_t index = 1; index < kSize / kBlockSize; ++index) {
        Result<DiskBlock> block =
            parse_disk_block(all.bytes().subspan(index * kBlockSize, kBlockSize));
        if (!block) return fail("the arbiter disk '{}': {}", config_.path, block.error().message());
        if (block->disk == id_) latest = std::max(latest, block->generation);
    }
    return latest;
}

// One after the other, not by the clock: a write that a stopped process makes when it
// goes on again hits a block of its own generation for as long as possible.
Result<uint64_t> DiskArbiter::enroll(uint64_t above, const io::Interrupt&) {
    UniqueFd fd = TRY(open());
    const uint64_t generation = std::max(above, TRY(latest_generation(fd.get()))) + 1;
    const DiskBlock block{.disk = id_, .generation = generation, .vote = {}, .pair = config_.pair};
    TRY(write_block(fd.get(), index_of(generation, config_.side), block));
    return generation;
}

Ruling DiskArbiter::ask(const Question& question, const io::Interrupt& interrupt) {
    Result<Ruling> ruling = rule(question, interrupt);
    if (!ruling) return {Verdict::kUnreachable, ruling.error().message()};
    return *std::move(ruling);
}

Result<DiskVote> DiskArbiter::vote_of(int fd, uint64_t generation, unsigned side) const {
    const DiskBlock block = TRY(read_block(fd, index_of(generation, side)));
    return block.generation == generation ? block.vote : DiskVote{};
}

Result<Ruling> DiskArbiter::rule(const Question& question, const io::Interrupt& interrupt) const {
    const uint64_t generation = question.generation;
    UniqueFd fd = TRY(open());
    const uint64_t latest = TRY(latest_generation(fd.get()));
    if (latest < generation) {
        return fail("the arbiter disk '{}' knows generation {} only, not {}", config_.path, latest,
                    generation);
    }
    if (latest > generation) {
        return Ruling{Verdict::kRefused,
                      fmt::format("the pair has been made anew since (as {})", latest)};
    }
    const io::Deadline deadline = io::deadline_in_ms(config_.timeout_ms);
    std::minstd_rand random(std::random_device{}());
    DiskBallot ballot(config_.side, TRY(vote_of(fd.get(), generation, config_.side)),
                      question.instance);
    while (!ballot.decided()) {
        const unsigned defeats = ballot.defeats();
        TRY(write_block(
            fd.get(), index_of(generation, config_.side),
            {.disk = id_, .generation = generation, .vote = ballot.vote(), .pair = config_.pair}));
        ballot.saw(TRY(vote_of(fd.get(), generation, 1 - config_.side)));
        if (ballot.defeats() == defeats) continue;
        const int64_t wait_ms = std::uniform_int_distribution<int64_t>(0, kMaxBackOffMs)(random);
        (void)io::wait_for(-1, FdEvents::kRead, &interrupt, io::deadline_in_ms(wait_ms));
        if (interrupt.triggered()) return fail("asking the arbiter was broken off");
        if (std::chrono::steady_clock::now() >= deadline) {
            return fail("the arbiter disk '{}' has been voted on for {} ms", config_.path,
                        config_.timeout_ms);
        }
    }
    if (*ballot.decided() == question.instance) {
        return Ruling{Verdict::kGranted, "the arbiter disk says so"};
    }
    return Ruling{Verdict::kRefused, fmt::format("the arbiter disk says that {} goes on",
                                                 short_text(*ballot.decided()))};
}

}  // namespace qc::migration::heartbeat
