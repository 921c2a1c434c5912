// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/image.h"

#include <algorithm>
#include <vector>

namespace qc::block {

int Image::write_zeroes(uint64_t offset, uint64_t bytes, bool) {
    constexpr uint64_t kPiece = 1024 * 1024;
    std::vector<char> zeros(static_cast<size_t>(std::min(bytes, kPiece)));
    while (bytes != 0) {
        const iovec buffer{zeros.data(), static_cast<size_t>(std::min(bytes, kPiece))};
        if (int error = write(offset, {&buffer, 1}); error != 0) return error;
        offset += buffer.iov_len;
        bytes -= buffer.iov_len;
    }
    return 0;
}

uint64_t total_length(std::span<const iovec> buffers) {
    uint64_t bytes = 0;
    for (const iovec& buffer : buffers)
        bytes += buffer.iov_len;
    return bytes;
}

}  // namespace qc::block
