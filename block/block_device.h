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

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace qc::block {

enum class BlockOp : uint8_t { kRead, kWrite, kFlush, kDiscard, kWriteZeroes };

// 0, or an errno value: EIO, ENOSPC, EROFS, EINVAL (past the end).
using BlockCompletion = std::move_only_function<void(int error)>;

// Carries the data of a request between the device and whoever wants it, a piece at a
// time and in order: takes what was read, fills in what is to be written. `position`
// counts from the request's begin. Called by a worker thread without the machine lock.
// 0, or the errno value that ends the request.
using BlockMover = std::move_only_function<int(uint64_t position, std::span<std::byte> piece)>;

struct BlockRequest {
    BlockOp op = BlockOp::kRead;
    uint64_t offset = 0;
    uint64_t length = 0;     // of kDiscard, kWriteZeroes, and of what `move` moves
    bool may_unmap = false;  // kWriteZeroes: space may be given back
    // kRead and kWrite: buffers that stay valid until `done` ran, or `move` and a
    // length. Guest RAM is no buffer: dirty tracking would miss a read.
    std::vector<iovec> buffers;
    BlockMover move;
    BlockCompletion done;
};

// The drive that a removable medium is in, as the host reaches it. Machine lock.
class Tray {
 public:
    virtual ~Tray() = default;
    virtual bool tray_open() const = 0;
    // The guest does not want its medium taken away.
    virtual bool tray_locked() const = 0;
    // The eject button: the guest may open the tray.
    virtual void request_eject() = 0;
    // By force; a lock ends as it opens.
    virtual void move_tray(bool open) = 0;
    virtual void medium_changed() = 0;
};

class BlockDevice {
 public:
    virtual ~BlockDevice() = default;
    // Bytes, a multiple of 512; 0 if there is no medium.
    virtual uint64_t length() const = 0;
    virtual bool read_only() const = 0;
    virtual void submit(BlockRequest request) = 0;

    // For drives with a tray; null when they end. The second: the guest moved it.
    virtual void attach_tray(Tray* tray) = 0;
    virtual void tray_moved(bool open) = 0;
};

}  // namespace qc::block
