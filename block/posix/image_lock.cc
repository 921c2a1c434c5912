// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/posix/image_lock.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace qc::block {

namespace {

constexpr off_t kUseBase = 100;
constexpr off_t kForbidBase = 200;

struct Permission {
    unsigned bit;
    std::string_view name;
};
constexpr Permission kConsistentRead{0, "consistent read"};
constexpr Permission kWrite{1, "write"};
constexpr Permission kResize{3, "resize"};
constexpr std::array<Permission, 3> kPermissions{kConsistentRead, kWrite, kResize};

struct flock byte_lock(short type, off_t start, off_t length) {
    struct flock lock{};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = start;
    lock.l_len = length;
    return lock;
}

bool used(ImageUse use, const Permission& permission) {
    if (permission.bit == kConsistentRead.bit) return true;
    return permission.bit == kWrite.bit && use == ImageUse::kReadWrite;
}

bool forbidden(const Permission& permission) {
    return permission.bit != kConsistentRead.bit;
}

Failure conflict(std::string_view how, const Permission& permission, std::string_view path) {
    Error error(fmt::format("Failed to get {}\"{}\" lock", how, permission.name));
    error.set_hint(fmt::format("Is another process using the image [{}]?", path));
    return Failure(std::move(error));
}

// Shared locks announce; they never wait.
int announce(int fd, off_t byte) {
    struct flock lock = byte_lock(F_RDLCK, byte, 1);
    return ::fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

// True if another open file has announced on `byte`.
bool announced_elsewhere(int fd, off_t byte) {
    struct flock lock = byte_lock(F_WRLCK, byte, 1);
    return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool locks_missing(int error) {
    return error == EINVAL || error == ENOLCK || error == ENOTSUP;
}

// First announces everything, then looks for conflicts: of two processes that do
// so at once at least one sees the other.
Result<void> announce_and_check(int fd, std::string_view path, ImageUse use) {
    for (const Permission& permission : kPermissions) {
        if (used(use, permission)) {
            int error = announce(fd, kUseBase + permission.bit);
            if (locks_missing(error)) return {};
            if (error != 0) return conflict("", permission, path);
        }
        if (forbidden(permission)) {
            int error = announce(fd, kForbidBase + permission.bit);
            if (locks_missing(error)) return {};
            if (error != 0) return conflict("shared ", permission, path);
        }
    }
    for (const Permission& permission : kPermissions) {
        if (used(use, permission) && announced_elsewhere(fd, kForbidBase + permission.bit)) {
            return conflict("", permission, path);
        }
        if (forbidden(permission) && announced_elsewhere(fd, kUseBase + permission.bit)) {
            return conflict("shared ", permission, path);
        }
    }
    return {};
}

}  // namespace

Result<void> lock_image(int fd, std::string_view path, ImageUse use) {
    auto result = announce_and_check(fd, path, use);
    if (!result) unlock_image(fd);
    return result;
}

void unlock_image(int fd) {
    struct flock lock = byte_lock(F_UNLCK, kUseBase, 200);
    (void)::fcntl(fd, F_OFD_SETLK, &lock);
}

}  // namespace qc::block
