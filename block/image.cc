// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/image.h"

namespace qc::block {

uint64_t total_length(std::span<const iovec> buffers) {
    uint64_t bytes = 0;
    for (const iovec& buffer : buffers)
        bytes += buffer.iov_len;
    return bytes;
}

}  // namespace qc::block
