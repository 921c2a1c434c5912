// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whole reads and writes at an offset of a file, whatever the kernel makes of one
// call. Block unless said otherwise; thread-safe.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

namespace qc::block {

// 0 or an errno value. Past the end of the file there are zeros.
int read_at(int fd, uint64_t offset, std::span<const iovec> buffers);
// As read_at(), from the page cache alone. False if not all of it is there, or the
// file system cannot say; does not block.
bool read_cached_at(int fd, uint64_t offset, std::span<const iovec> buffers);
int write_at(int fd, uint64_t offset, std::span<const iovec> buffers);

}  // namespace qc::block
