// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/raw_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "block/posix/file_io.h"
#include "block/posix/image_lock.h"

namespace qc::block {

namespace {
constexpr uint64_t kMaxLength = uint64_t{1} << 62;
}

Result<std::unique_ptr<RawFile>> RawFile::open(const std::string& path, Access access, Cache cache,
                                               FdSets* fd_sets) {
    OpenedPath file = open_path(fd_sets, path, access == Access::kReadOnly ? O_RDONLY : O_RDWR);
    const UniqueFd& fd = file.fd;
    if (!fd) return fail_errno(errno, "Could not open '{}'", path);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return fail_errno(errno, "Could not open '{}'", path);
    if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) {
        return fail("Could not open '{}': neither a regular file nor a block device", path);
    }
    off_t end = ::lseek(fd.get(), 0, SEEK_END);
    if (end < 0) return fail_errno(errno, "Could not find the size of '{}'", path);
    auto length = static_cast<uint64_t>(end);
    if (length > kMaxLength) return fail("Could not open '{}': File too large", path);
    // The last sector of a file of odd length is filled up with zeros.
    length = (length + kSectorSize - 1) / kSectorSize * kSectorSize;
    return std::unique_ptr<RawFile>(new RawFile(std::move(file), path, access, cache, length));
}

int RawFile::read(uint64_t offset, std::span<const iovec> buffers) {
    return read_at(fd_.get(), offset, buffers);
}

bool RawFile::read_cached(uint64_t offset, std::span<const iovec> buffers) {
    return read_cached_at(fd_.get(), offset, buffers);
}

int RawFile::write(uint64_t offset, std::span<const iovec> buffers) {
    if (read_only()) return EROFS;
    int error = write_at(fd_.get(), offset, buffers);
    if (error == 0 && cache_ == Cache::kWriteThrough) return flush();
    return error;
}

int RawFile::flush() {
    if (cache_ == Cache::kUnsafe || read_only()) return 0;
    return ::fdatasync(fd_.get()) == 0 ? 0 : errno;
}

int RawFile::discard(uint64_t offset, uint64_t bytes) {
    if (read_only()) return EROFS;
    if (bytes == 0) return 0;
    int done = ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           static_cast<off_t>(offset), static_cast<off_t>(bytes));
    // Where holes cannot be made the old contents stay, which a hint allows.
    if (done == 0 || errno == EOPNOTSUPP || errno == ENOSYS || errno == ENODEV) return 0;
    return errno;
}

int RawFile::write_zeroes(uint64_t offset, uint64_t bytes, bool may_unmap) {
    if (read_only()) return EROFS;
    if (bytes == 0) return 0;
    // A hole reads as zeros, in a file and past its end; on a block device this is a
    // command that the kernel refuses unless the device really does that.
    const int how = may_unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
    const int done = ::fallocate(fd_.get(), how | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                                 static_cast<off_t>(bytes));
    if (done != 0) return Image::write_zeroes(offset, bytes, may_unmap);
    return cache_ == Cache::kWriteThrough ? flush() : 0;
}

Result<void> RawFile::activate() {
    return lock_image(fd_.get(), path_, read_only() ? ImageUse::kReadOnly : ImageUse::kReadWrite);
}

void RawFile::inactivate() {
    unlock_image(fd_.get());
}

}  // namespace qc::block
