// SPDX-License-Identifier: GPL-2.0-or-later
//
// A disk as an emulated controller sees it: asynchronous, in bytes. Requests may
// complete in any order; a flush covers the writes that had completed when it was
// submitted.
//
// Threading: machine lock. Completions run under the machine lock as well, on the
// main loop or in the thread that drains, never inside submit().
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace qc::block {

enum class BlockOp : uint8_t { kRead, kWrite, kFlush, kDiscard, kWriteZeroes };

// 0, or an errno value: EIO, ENOSPC, EROFS, EINVAL (past the end).
using BlockCompletion = std::move_only_function<void(int error)>;

struct BlockRequest {
    BlockOp op = BlockOp::kRead;
    uint64_t offset = 0;
    // kDiscard, kWriteZeroes: the length.
    uint64_t discard_bytes = 0;
    bool may_unmap = false;  // kWriteZeroes: space may be given back
    // kRead and kWrite: buffers that stay valid until `done` ran; guest RAM is not one
    // of them (dirty tracking would miss a read).
    std::vector<iovec> buffers;
    BlockCompletion done;
};

class BlockDevice {
 public:
    virtual ~BlockDevice() = default;
    // Bytes, a multiple of 512.
    virtual uint64_t length() const = 0;
    virtual bool read_only() const = 0;
    virtual void submit(BlockRequest request) = 0;
};

}  // namespace qc::block
