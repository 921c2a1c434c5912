// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/file_channel.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "io/fd_channel.h"

namespace qc::io {

namespace {

// A character device counts as well: it is opened so that it never blocks.
bool is_file(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return false;
    return S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode);
}

bool is_character_device(int fd) {
    struct stat status;
    return fstat(fd, &status) != 0 || S_ISCHR(status.st_mode);
}

}  // namespace

Result<std::unique_ptr<FileChannel>> FileChannel::open_at(const std::string& path, uint64_t offset,
                                                          Direction direction, FdSets* fd_sets) {
    if (offset > static_cast<uint64_t>(std::numeric_limits<off_t>::max())) {
        return fail("offset {} in file '{}' is too large", offset, path);
    }
    // Non-blocking, so that a FIFO without a peer is an error and not a wait.
    const int flags =
        O_NONBLOCK | (direction == Direction::kWrite ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY);
    OpenedPath file = open_path(fd_sets, path, flags, 0600);
    const UniqueFd& fd = file.fd;
    if (!fd) return fail_errno(errno, "Unable to open file '{}'", path);
    if (!is_file(fd.get())) return fail("'{}' is not a file", path);
    if (offset != 0 && lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
        return fail_errno(errno, "going to offset {} in file '{}'", offset, path);
    }
    auto channel = TRY(adopt(std::move(file.fd), direction, "file:" + path));
    channel->use_ = std::move(file.use);
    return channel;
}

Result<std::unique_ptr<FileChannel>> FileChannel::create_file(const std::string& path,
                                                              uint64_t offset, FdSets* fd_sets) {
    return open_at(path, offset, Direction::kWrite, fd_sets);
}

Result<std::unique_ptr<FileChannel>> FileChannel::open_file(const std::string& path,
                                                            uint64_t offset, FdSets* fd_sets) {
    return open_at(path, offset, Direction::kRead, fd_sets);
}

Result<std::unique_ptr<FileChannel>> FileChannel::adopt(UniqueFd fd, Direction direction,
                                                        std::string name) {
    const int mode = fcntl(fd.get(), F_GETFL);
    if (mode < 0) return fail_errno(errno, "{}", name);
    if ((mode & O_ACCMODE) == (direction == Direction::kWrite ? O_RDONLY : O_WRONLY)) {
        return fail("{} is not open for {}", name,
                    direction == Direction::kWrite ? "writing" : "reading");
    }
    // Linux lets pwrite() append to such a file, wherever it was told to write.
    const bool seekable = !is_character_device(fd.get()) && (mode & O_APPEND) == 0;
    return std::unique_ptr<FileChannel>(
        new FileChannel(std::move(fd), direction, seekable, std::move(name)));
}

Result<std::optional<size_t>> FileChannel::try_read(Bytes buffer) {
    TRY(check_open("reading from"));
    if (direction_ != Direction::kRead) return std::optional<size_t>(0);
    return try_read_fd(fd_.get(), buffer, name_);
}

Result<std::optional<size_t>> FileChannel::try_write(std::span<const ConstBytes> parts) {
    TRY(check_open("writing to"));
    if (direction_ != Direction::kWrite) return fail("{} is open for reading only", name_);
    return try_write_fd(fd_.get(), parts, name_);
}

// Opened anew by way of the descriptor: the file may have another name by now, or none.
Result<void> FileChannel::use_direct_io() {
    const std::string path = fmt::format("/proc/self/fd/{}", fd_.get());
    const int access = direction_ == Direction::kRead ? O_RDONLY : O_WRONLY;
    UniqueFd direct(open(path.c_str(), access | O_DIRECT | O_CLOEXEC));
    if (!direct) return fail_errno(errno, "direct I/O is not possible with {}", name_);
    struct statx status{};
    const bool known = statx(direct.get(), "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
                       (status.stx_mask & STATX_DIOALIGN) != 0;
    if (known &&
        (status.stx_dio_offset_align == 0 || status.stx_dio_offset_align > kDirectAlignment ||
         status.stx_dio_mem_align > kDirectAlignment)) {
        return fail("direct I/O is not possible with {}: it wants an alignment of {} bytes", name_,
                    std::max(status.stx_dio_offset_align, status.stx_dio_mem_align));
    }
    direct_fd_ = std::move(direct);
    return {};
}

int FileChannel::descriptor_for(uint64_t offset, ConstBytes data) const {
    const uint64_t bits = offset | data.size() | reinterpret_cast<uintptr_t>(data.data());
    return direct_fd_ && bits % kDirectAlignment == 0 ? direct_fd_.get() : fd_.get();
}

Result<void> FileChannel::read_at(uint64_t offset, Bytes data) {
    while (!data.empty()) {
        TRY(check_open("reading from"));
        const ssize_t count = pread(descriptor_for(offset, data), data.data(), data.size(),
                                    static_cast<off_t>(offset));
        if (count == 0) return fail("reading from {}: it ends at offset {:#x}", name_, offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "reading from {} at offset {:#x}", name_, offset);
        data = data.subspan(static_cast<size_t>(count));
        offset += static_cast<uint64_t>(count);
    }
    return {};
}

Result<void> FileChannel::write_at(uint64_t offset, ConstBytes data) {
    while (!data.empty()) {
        TRY(check_open("writing to"));
        const ssize_t count = pwrite(descriptor_for(offset, data), data.data(), data.size(),
                                     static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "writing to {} at offset {:#x}", name_, offset);
        data = data.subspan(static_cast<size_t>(count));
        offset += static_cast<uint64_t>(count);
    }
    return {};
}

Result<uint64_t> FileChannel::position() {
    const off_t at = lseek(fd_.get(), 0, SEEK_CUR);
    if (at < 0) return fail_errno(errno, "{}", name_);
    return static_cast<uint64_t>(at);
}

Result<void> FileChannel::seek(uint64_t offset) {
    if (lseek(fd_.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
        return fail_errno(errno, "going to offset {:#x} in {}", offset, name_);
    }
    return {};
}

Result<void> FileChannel::finish_writing(Deadline) {
    TRY(check_open("writing to"));
    // Some errors, a quota's or a network's, come out only here. What cannot be
    // synchronised, a terminal or /dev/null, has nothing to lose.
    while (fdatasync(fd_.get()) != 0) {
        if (errno == EINVAL || errno == EROFS || errno == ENOTSUP) return {};
        if (errno != EINTR) return fail_errno(errno, "writing to {}", name_);
    }
    return {};
}

WaitOutcome FileChannel::wait(FdEvents direction, Deadline deadline) {
    // Only a character device makes anybody wait: the limit bounds how long a
    // shutdown() goes unnoticed.
    constexpr int64_t kLookAgainMs = 50;
    const Deadline until = std::min(deadline, deadline_in_ms(kLookAgainMs));
    const WaitOutcome outcome = wait_for(fd_.get(), direction, nullptr, until);
    if (was_shut_down()) return WaitOutcome::kInterrupted;
    if (outcome == WaitOutcome::kDeadline && until != deadline) return WaitOutcome::kReady;
    return outcome;
}

}  // namespace qc::io
