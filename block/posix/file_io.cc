// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/posix/file_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "block/image.h"

namespace qc::block {

namespace {

// IOV_MAX on Linux.
constexpr size_t kMaxBuffersPerCall = 1024;

// The buffers that are left after `bytes` of them were done.
class Remaining {
 public:
    explicit Remaining(std::span<const iovec> buffers) : buffers_(buffers.begin(), buffers.end()) {
        skip(0);
    }
    bool empty() const { return first_ == buffers_.size(); }
    const iovec* data() const { return buffers_.data() + first_; }
    int count() const {
        return static_cast<int>(std::min(buffers_.size() - first_, kMaxBuffersPerCall));
    }
    void skip(size_t bytes) {
        while (first_ < buffers_.size() && bytes >= buffers_[first_].iov_len) {
            bytes -= buffers_[first_].iov_len;
            ++first_;
        }
        if (bytes == 0 || empty()) return;
        iovec& buffer = buffers_[first_];
        buffer.iov_base = static_cast<char*>(buffer.iov_base) + bytes;
        buffer.iov_len -= bytes;
    }
    void fill_with_zeros() {
        for (; first_ < buffers_.size(); ++first_)
            std::memset(buffers_[first_].iov_base, 0, buffers_[first_].iov_len);
    }

 private:
    std::vector<iovec> buffers_;
    size_t first_ = 0;
};

}  // namespace

int read_at(int fd, uint64_t offset, std::span<const iovec> buffers) {
    Remaining left(buffers);
    while (!left.empty()) {
        ssize_t got = ::preadv(fd, left.data(), left.count(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) {
            left.fill_with_zeros();
            break;
        }
        offset += static_cast<uint64_t>(got);
        left.skip(static_cast<size_t>(got));
    }
    return 0;
}

bool read_cached_at(int fd, uint64_t offset, std::span<const iovec> buffers) {
    if (buffers.size() > kMaxBuffersPerCall) return false;
    const ssize_t got = ::preadv2(fd, buffers.data(), static_cast<int>(buffers.size()),
                                  static_cast<off_t>(offset), RWF_NOWAIT);
    return got >= 0 && static_cast<uint64_t>(got) == total_length(buffers);
}

int write_at(int fd, uint64_t offset, std::span<const iovec> buffers) {
    Remaining left(buffers);
    while (!left.empty()) {
        ssize_t put = ::pwritev(fd, left.data(), left.count(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        if (put == 0) return ENOSPC;
        offset += static_cast<uint64_t>(put);
        left.skip(static_cast<size_t>(put));
    }
    return 0;
}

}  // namespace qc::block
