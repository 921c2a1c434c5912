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
#include <memory>
#include <span>
#include <vector>

namespace qc::block {

enum class BlockOp : uint8_t { kRead, kWrite, kFlush, kDiscard, kWriteZeroes };

// 0, or an errno value: EIO, ENOSPC, EROFS, EINVAL (past the end).
using BlockCompletion = std::move_only_function<void(int error)>;

// Guest RAM that a request's data come from or go to. It may be taken away while the
// request is under way: a controller that is reset forgets its requests. `position`
// counts from the request's begin. Used by worker threads without the machine lock.
class BlockMemory {
 public:
    virtual ~BlockMemory() = default;
    // Takes what was read, or fills in what is to be written. 0, or the errno value
    // that ends the request.
    virtual int move(uint64_t position, std::span<std::byte> piece) = 0;
    // Has `fill` read `bytes` right into the memory; it must not wait for a disk. What
    // it says, or false if the memory is gone.
    using Fill = std::function<bool(std::span<const iovec> buffers)>;
    virtual bool fill(uint64_t position, uint64_t bytes, const Fill& fill) = 0;
};

struct BlockRequest {
    BlockOp op = BlockOp::kRead;
    uint64_t offset = 0;
    uint64_t length = 0;     // of kDiscard, kWriteZeroes, and in `memory`
    bool may_unmap = false;  // kWriteZeroes: space may be given back
    // kRead and kWrite: buffers that stay valid until `done` ran, or `memory` and a
    // length. Guest RAM is no buffer: dirty tracking would miss a read.
    std::vector<iovec> buffers;
    std::shared_ptr<BlockMemory> memory;
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
