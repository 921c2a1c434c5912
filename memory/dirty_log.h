// SPDX-License-Identifier: GPL-2.0-or-later
//
// What migration asks of an accelerator: which pages were written. One user at a
// time; the caller is the migration thread and holds no lock.
#pragma once

#include <vector>

#include "memory/ram_block.h"
#include "util/bitmap.h"
#include "util/result.h"

namespace qc::memory {

class DirtyLog {
 public:
    virtual ~DirtyLog() = default;

    // From the return on, every write to a RamBlock is recorded.
    virtual Result<void> start() = 0;
    virtual void stop() = 0;

    // Moves what was recorded since start() or the last collect() into `into`, one
    // bitmap a block in RamList order, or-ing. When it returns, every write that
    // was made before to a page reported here is visible to a read by the caller,
    // and any later write to it is recorded again. Legal while vCPUs run.
    virtual Result<void> collect(std::vector<Bitmap>& into) = 0;

    // True if guest code, too, calls RamBlock::before_write(): a PageCapture that
    // begins right after collect(), with the VM stopped, stays whole while it runs.
    virtual bool guest_announces_writes() const = 0;
};

}  // namespace qc::memory
