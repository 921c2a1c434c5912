// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/snapshot_overlay.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "block/posix/file_io.h"

namespace qc::block {

namespace {

// The part [from, from + bytes) of a list of buffers.
std::vector<iovec> slice(std::span<const iovec> buffers, uint64_t from, uint64_t bytes) {
    std::vector<iovec> part;
    for (const iovec& buffer : buffers) {
        if (bytes == 0) break;
        if (from >= buffer.iov_len) {
            from -= buffer.iov_len;
            continue;
        }
        size_t take = static_cast<size_t>(std::min<uint64_t>(buffer.iov_len - from, bytes));
        part.push_back({static_cast<char*>(buffer.iov_base) + from, take});
        from = 0;
        bytes -= take;
    }
    return part;
}

Result<UniqueFd> open_temporary(const std::string& directory) {
    UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd) return fd;
    // Not every file system can make a file without a name.
    std::string path = directory + "/qemu-colo-snapshot.XXXXXX";
    fd.reset(::mkostemp(path.data(), O_CLOEXEC));
    if (!fd) return fail_errno(errno, "Could not create a temporary file in '{}'", directory);
    (void)::unlink(path.c_str());
    return fd;
}

uint64_t clusters_of(uint64_t length) {
    return (length + SnapshotOverlay::kClusterSize - 1) / SnapshotOverlay::kClusterSize;
}

}  // namespace

std::string SnapshotOverlay::default_directory() {
    const char* directory = std::getenv("TMPDIR");
    return directory != nullptr && *directory != '\0' ? directory : "/var/tmp";
}

Result<std::unique_ptr<SnapshotOverlay>> SnapshotOverlay::create(std::unique_ptr<Image> base,
                                                                 const std::string& directory) {
    UniqueFd fd = TRY(open_temporary(directory));
    return std::unique_ptr<SnapshotOverlay>(new SnapshotOverlay(std::move(base), std::move(fd)));
}

SnapshotOverlay::SnapshotOverlay(std::unique_ptr<Image> base, UniqueFd fd)
    : base_(std::move(base)),
      length_(base_->length()),
      fd_(std::move(fd)),
      present_(static_cast<size_t>(clusters_of(length_))) {}

bool SnapshotOverlay::has_all(uint64_t first, uint64_t last) const {
    for (uint64_t cluster = first; cluster <= last; ++cluster)
        if (!present_.test(static_cast<size_t>(cluster))) return false;
    return true;
}

int SnapshotOverlay::read(uint64_t offset, std::span<const iovec> buffers) {
    const uint64_t end = offset + total_length(buffers);
    uint64_t at = offset;
    while (at < end) {
        // As many clusters as lie in the same file.
        bool here = present_.test(static_cast<size_t>(at / kClusterSize));
        uint64_t stop = at;
        do {
            stop = std::min(end, (stop / kClusterSize + 1) * kClusterSize);
        } while (stop < end && present_.test(static_cast<size_t>(stop / kClusterSize)) == here);
        std::vector<iovec> part = slice(buffers, at - offset, stop - at);
        int error = here ? read_at(fd_.get(), at, part) : base_->read(at, part);
        if (error != 0) return error;
        at = stop;
    }
    return 0;
}

int SnapshotOverlay::write(uint64_t offset, std::span<const iovec> buffers) {
    const uint64_t bytes = total_length(buffers);
    if (bytes == 0) return 0;
    const uint64_t first = offset / kClusterSize;
    const uint64_t last = (offset + bytes - 1) / kClusterSize;
    if (has_all(first, last)) return write_at(fd_.get(), offset, buffers);
    MutexLock lock(allocation_);
    return write_new(offset, buffers);
}

int SnapshotOverlay::write_new(uint64_t offset, std::span<const iovec> buffers) {
    const uint64_t end = offset + total_length(buffers);
    const uint64_t first = offset / kClusterSize;
    const uint64_t last = (end - 1) / kClusterSize;
    // What the write does not cover of its outermost clusters comes from the base.
    if (!present_.test(static_cast<size_t>(first))) {
        if (int error = copy_from_base(first * kClusterSize, offset); error != 0) return error;
    }
    if (!present_.test(static_cast<size_t>(last))) {
        uint64_t cluster_end = std::min(length_, (last + 1) * kClusterSize);
        if (int error = copy_from_base(end, cluster_end); error != 0) return error;
    }
    if (int error = write_at(fd_.get(), offset, buffers); error != 0) return error;
    present_.set_range(static_cast<size_t>(first), static_cast<size_t>(last - first + 1));
    return 0;
}

int SnapshotOverlay::copy_from_base(uint64_t start, uint64_t end) {
    if (start >= end) return 0;
    std::array<std::byte, kClusterSize> bytes;
    iovec buffer{bytes.data(), static_cast<size_t>(end - start)};
    std::span<const iovec> buffers(&buffer, 1);
    if (int error = base_->read(start, buffers); error != 0) return error;
    return write_at(fd_.get(), start, buffers);
}

}  // namespace qc::block
