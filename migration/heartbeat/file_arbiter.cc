// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/file_arbiter.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <optional>

#include "migration/heartbeat/sealed_record.h"

namespace qc::migration::heartbeat {

namespace {

constexpr uint32_t kMagic = 0x51434152;  // "QCAR"
// Each copy has a sector of its own, whatever the disk's is.
constexpr off_t kCopyDistance = 4096;
constexpr int64_t kLockRetryMs = 20;

// True if nobody else has it.
Result<bool> try_lock(int fd, const std::string& path) {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
    if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
    return fail_errno(errno, "locking the arbiter file '{}'", path);
}

Result<std::vector<std::byte>> read_copy(int fd, off_t offset) {
    std::vector<std::byte> bytes(kSealedRecordSize);
    ssize_t count = -1;
    do {
        count = pread(fd, bytes.data(), bytes.size(), offset);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return fail_errno(errno, "reading the arbiter's record");
    bytes.resize(static_cast<size_t>(count));
    return bytes;
}

}  // namespace

uint64_t generation_by_clock(uint64_t above) {
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto ms =
        static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
    return std::max(ms, above + 1);
}

std::vector<std::byte> encode(const ArbiterRecord& record) {
    ByteWriter out;
    out.be64(record.sequence);
    out.bytes(record.file);
    out.be64(record.generation);
    out.bytes(record.winner);
    out.counted_string(record.pair);
    return seal_record(kMagic, out);
}

Result<ArbiterRecord> parse_record(std::span<const std::byte> bytes) {
    ByteReader in = TRY(open_record(kMagic, bytes));
    ArbiterRecord record;
    record.sequence = TRY(in.be64("sequence"));
    std::ranges::copy(TRY(in.bytes(record.file.size(), "file")), record.file.begin());
    record.generation = TRY(in.be64("generation"));
    std::ranges::copy(TRY(in.bytes(record.winner.size(), "winner")), record.winner.begin());
    record.pair = TRY(in.counted_string("pair"));
    if (record.file == kNoId || record.pair.size() > kMaxName) return fail("a record is bad");
    return record;
}

Result<std::unique_ptr<FileArbiter>> FileArbiter::create(Config config) {
    auto arbiter = std::unique_ptr<FileArbiter>(new FileArbiter(std::move(config)));
    auto interrupt = TRY(io::Interrupt::create());
    UniqueFd fd = TRY(arbiter->open_locked(*interrupt));
    struct stat status = {};
    if (fstat(fd.get(), &status) != 0) return fail_errno(errno, "looking at the arbiter file");
    if (status.st_size == 0) {
        ArbiterRecord record{.file = random_id(), .pair = arbiter->config_.pair};
        arbiter->id_ = record.file;
        TRY(arbiter->write(fd.get(), record));
    } else {
        arbiter->id_ = TRY(arbiter->read(fd.get())).file;
    }
    return arbiter;
}

// Opened for each question: after a server's restart an old descriptor may be stale.
Result<UniqueFd> FileArbiter::open_locked(const io::Interrupt& interrupt) const {
    const std::string& path = config_.path;
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!fd) return fail_errno(errno, "opening the arbiter file '{}'", path);
    struct stat status = {};
    if (fstat(fd.get(), &status) != 0) return fail_errno(errno, "looking at '{}'", path);
    if (!S_ISREG(status.st_mode)) return fail("'{}' is not a regular file", path);
    const io::Deadline deadline = io::deadline_in_ms(config_.timeout_ms);
    while (!TRY(try_lock(fd.get(), path))) {
        if (interrupt.triggered()) return fail("asking the arbiter was broken off");
        if (std::chrono::steady_clock::now() >= deadline) {
            return fail("the arbiter file '{}' has been locked for {} ms", path,
                        config_.timeout_ms);
        }
        (void)io::wait_for(-1, FdEvents::kRead, &interrupt, io::deadline_in_ms(kLockRetryMs));
    }
    return fd;
}

Result<ArbiterRecord> FileArbiter::read(int fd) const {
    std::optional<ArbiterRecord> best;
    Error error("no record");
    for (off_t copy = 0; copy < 2; ++copy) {
        std::vector<std::byte> bytes = TRY(read_copy(fd, copy * kCopyDistance));
        Result<ArbiterRecord> record = parse_record(bytes);
        if (!record) {
            error = record.error();
        } else if (!best || record->sequence > best->sequence) {
            best = *std::move(record);
        }
    }
    if (!best) return fail("the arbiter file '{}': {}", config_.path, error.message());
    if (best->pair != config_.pair) {
        return fail("the arbiter file '{}' belongs to the pair '{}', not to '{}'", config_.path,
                    best->pair, config_.pair);
    }
    if (id_ != kNoId && best->file != id_) {
        return fail("the arbiter file '{}' is not the one that it was", config_.path);
    }
    return *best;
}

Result<void> FileArbiter::write(int fd, ArbiterRecord record) const {
    ++record.sequence;
    const std::vector<std::byte> bytes = encode(record);
    const off_t offset = static_cast<off_t>(record.sequence % 2) * kCopyDistance;
    ssize_t count = -1;
    do {
        count = pwrite(fd, bytes.data(), bytes.size(), offset);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return fail_errno(errno, "writing the arbiter file '{}'", config_.path);
    if (count != static_cast<ssize_t>(bytes.size())) {
        return fail("the arbiter file '{}' took only {} bytes", config_.path, count);
    }
    if (fsync(fd) != 0) return fail_errno(errno, "flushing the arbiter file '{}'", config_.path);
    return {};
}

Result<uint64_t> FileArbiter::enroll(uint64_t above, const io::Interrupt& interrupt) {
    UniqueFd fd = TRY(open_locked(interrupt));
    ArbiterRecord record = TRY(read(fd.get()));
    record.generation = generation_by_clock(std::max(above, record.generation));
    record.winner = kNoId;
    TRY(write(fd.get(), record));
    return record.generation;
}

Ruling FileArbiter::ask(const Question& question, const io::Interrupt& interrupt) {
    Result<Ruling> ruling = rule(question, interrupt);
    if (!ruling) return {Verdict::kUnreachable, ruling.error().message()};
    return *std::move(ruling);
}

Result<Ruling> FileArbiter::rule(const Question& question, const io::Interrupt& interrupt) const {
    UniqueFd fd = TRY(open_locked(interrupt));
    ArbiterRecord record = TRY(read(fd.get()));
    if (record.generation < question.generation) {
        return fail("the arbiter file '{}' knows generation {} only, not {}", config_.path,
                    record.generation, question.generation);
    }
    if (record.generation > question.generation) {
        return Ruling{Verdict::kRefused,
                      fmt::format("the pair has been made anew since (as {})", record.generation)};
    }
    if (record.winner == question.instance) {
        return Ruling{Verdict::kGranted, "the arbiter file says so already"};
    }
    if (record.winner != kNoId) {
        return Ruling{Verdict::kRefused, fmt::format("the arbiter file says that {} goes on",
                                                     short_text(record.winner))};
    }
    record.winner = question.instance;
    TRY(write(fd.get(), record));
    return Ruling{Verdict::kGranted, "written to the arbiter file"};
}

}  // namespace qc::migration::heartbeat
