// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/backing_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <utility>

#include "util/checked.h"

namespace qc::memory {

namespace {

constexpr int kOpenFlags = O_CLOEXEC | O_NONBLOCK;

Result<struct stat> status_of(int fd, const std::string& name) {
    struct stat status;
    if (fstat(fd, &status) != 0) return fail_errno(errno, "'{}'", name);
    return status;
}

}  // namespace

BackingFile::~BackingFile() {
    if (!created_path_.empty()) unlink(created_path_.c_str());
}

BackingFile::BackingFile(BackingFile&& other) noexcept
    : use_(std::move(other.use_)),
      fd_(std::move(other.fd_)),
      page_size_(other.page_size_),
      has_name_(other.has_name_),
      in_memory_(other.in_memory_),
      huge_pages_(other.huge_pages_),
      created_path_(std::exchange(other.created_path_, {})) {}

Result<BackingFile> BackingFile::open(const MemoryBackendConfig& config, FdSets* fd_sets) {
    if (!checked_add(config.offset, config.size) ||
        config.offset + config.size > uint64_t{std::numeric_limits<off_t>::max()}) {
        return fail("offset {:#x} and size {:#x} do not fit into a file", config.offset,
                    config.size);
    }
    BackingFile file;
    TRY(file.open_named(config, fd_sets));
    TRY(file.look_at_file_system(config));
    TRY(file.check_alignment(config));
    TRY(file.set_size(config));
    TRY(file.find_room(config));
    return file;
}

Result<void> BackingFile::open_named(const MemoryBackendConfig& config, FdSets* fd_sets) {
    const int access = config.readonly ? O_RDONLY : O_RDWR;
    has_name_ = true;
    OpenedPath file = open_path(fd_sets, config.path, access | kOpenFlags);
    use_ = std::move(file.use);
    fd_ = std::move(file.fd);
    if (!fd_ && errno == ENOENT && !config.readonly) {
        fd_ = UniqueFd(::open(config.path.c_str(), O_RDWR | O_CREAT | O_EXCL | kOpenFlags, 0644));
        if (fd_) created_path_ = config.path;
    }
    if (!fd_ && errno == EISDIR) return open_in_directory(config);
    if (!fd_) return fail_errno(errno, "can't open backing store {} for guest RAM", config.path);
    const struct stat status = TRY(status_of(fd_.get(), config.path));
    if (S_ISDIR(status.st_mode)) return fail("a directory cannot have readonly=on");
    if (!S_ISREG(status.st_mode)) {
        return fail("backing store {} is neither a file nor a directory", config.path);
    }
    return {};
}

// A file that nobody finds, and that goes with its last user.
Result<void> BackingFile::open_in_directory(const MemoryBackendConfig& config) {
    std::string name = config.id;
    std::ranges::replace(name, '/', '_');
    std::string path = config.path + "/qemu_back_mem." + name + ".XXXXXX";
    fd_ = UniqueFd(mkostemp(path.data(), O_CLOEXEC));
    if (!fd_) return fail_errno(errno, "can't open backing store {} for guest RAM", config.path);
    unlink(path.c_str());
    has_name_ = false;
    return {};
}

Result<void> BackingFile::look_at_file_system(const MemoryBackendConfig& config) {
    struct statfs system;
    if (fstatfs(fd_.get(), &system) != 0) return fail_errno(errno, "'{}'", config.path);
    in_memory_ = system.f_type == TMPFS_MAGIC;
    huge_pages_ = system.f_type == HUGETLBFS_MAGIC;
    if (huge_pages_) page_size_ = static_cast<uint64_t>(system.f_bsize);
    return {};
}

Result<void> BackingFile::check_alignment(const MemoryBackendConfig& config) const {
    if (config.align % page_size_ != 0) {
        return fail("alignment {:#x} must be multiples of page size {:#x}", config.align,
                    page_size_);
    }
    if (config.align != 0 && !std::has_single_bit(config.align)) {
        return fail("alignment {:#x} must be a power of two", config.align);
    }
    if (config.offset % page_size_ != 0) {
        return fail("offset {:#x} must be multiples of page size {:#x}", config.offset, page_size_);
    }
    if (config.size < page_size_) {
        return fail("memory size {:#x} must be equal to or larger than page size {:#x}",
                    config.size, page_size_);
    }
    return {};
}

// What is there keeps its size and its contents.
Result<void> BackingFile::set_size(const MemoryBackendConfig& config) {
    const struct stat status = TRY(status_of(fd_.get(), config.path));
    const auto have = static_cast<uint64_t>(status.st_size);
    const uint64_t want = (config.offset + config.size + page_size_ - 1) / page_size_ * page_size_;
    if (have >= config.offset + config.size) return {};
    if (have > config.offset || config.readonly) {
        return fail("backing store size {:#x} does not match 'size' option {:#x}", have,
                    config.size);
    }
    if (ftruncate(fd_.get(), static_cast<off_t>(want)) != 0) {
        return fail_errno(errno, "backing store {} cannot have {} bytes", config.path, want);
    }
    return {};
}

// A guest that writes where no room is left would end with the process. Where room can be
// set aside at no cost it is; tmpfs would allocate memory for it, so there the room is
// only looked at. Huge pages are reserved when they are mapped.
Result<void> BackingFile::find_room(const MemoryBackendConfig& config) {
    if (!config.reserve || huge_pages_ || config.readonly) return {};
    if (in_memory_) {
        struct statfs system;
        if (fstatfs(fd_.get(), &system) != 0) return fail_errno(errno, "'{}'", config.path);
        if (system.f_blocks == 0) return {};  // no limit
        const struct stat status = TRY(status_of(fd_.get(), config.path));
        const auto have = static_cast<uint64_t>(status.st_blocks) * 512;
        const uint64_t need = config.size > have ? config.size - have : 0;
        const uint64_t free =
            static_cast<uint64_t>(system.f_bfree) * static_cast<uint64_t>(system.f_bsize);
        if (need <= free) return {};
        return Failure(Error(fmt::format("insufficient free space for guest RAM in backing store "
                                         "{}: {} bytes are needed, {} are free",
                                         config.path, need, free))
                           .set_hint("With reserve=off the guest starts, and ends when it needs "
                                     "more than there is."));
    }
    if (!config.share) return {};
    while (fallocate(fd_.get(), 0, static_cast<off_t>(config.offset),
                     static_cast<off_t>(config.size)) != 0) {
        if (errno == EINTR) continue;
        if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG) return {};  // it cannot say
        return fail_errno(errno, "insufficient free space for guest RAM in backing store {}",
                          config.path);
    }
    return {};
}

Result<BackingFile> BackingFile::create_memfd(const MemoryBackendConfig& config) {
    BackingFile file;
    unsigned flags = MFD_CLOEXEC;
    if (config.seal) flags |= MFD_ALLOW_SEALING;
    if (config.huge_pages) flags |= MFD_HUGETLB;
    if (config.huge_page_size != 0) {
        if (!std::has_single_bit(config.huge_page_size)) {
            return fail("Hugepage size must be a power of 2");
        }
        flags |= static_cast<unsigned>(std::countr_zero(config.huge_page_size)) << MFD_HUGE_SHIFT;
    }
    file.fd_ = UniqueFd(memfd_create("memory-backend-memfd", flags));
    if (!file.fd_) return fail_errno(errno, "failed to create memfd");
    const struct stat status = TRY(status_of(file.fd_.get(), "memfd"));
    if (config.huge_pages) file.page_size_ = static_cast<uint64_t>(status.st_blksize);
    TRY(file.check_alignment(config));
    if (config.size % file.page_size_ != 0) {
        return fail("memory size {:#x} must be multiples of page size {:#x}", config.size,
                    file.page_size_);
    }
    if (ftruncate(file.fd_.get(), static_cast<off_t>(config.size)) != 0) {
        return fail_errno(errno, "failed to resize memfd to {} bytes", config.size);
    }
    constexpr int kSeals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (config.seal && fcntl(file.fd_.get(), F_ADD_SEALS, kSeals) != 0) {
        return fail_errno(errno, "failed to add seals");
    }
    return file;
}

}  // namespace qc::memory
