// SPDX-License-Identifier: GPL-2.0-or-later
//
// The dirty log of the emulator. A vCPU marks a page when it first stores to it,
// and only then enters it into its TLB for writing; so a harvest drains the bitmaps
// and then makes every vCPU forget what it may write.
//
// Threading: as memory::DirtyLog says. Owned by TcgAccelerator.
#pragma once

#include <vector>

#include "memory/dirty_log.h"
#include "memory/ram_list.h"

namespace qc::accel::tcg {

// Makes all vCPUs drop their write entries, and returns when they have.
class WriteEntryDropper {
 public:
    virtual ~WriteEntryDropper() = default;
    virtual void drop_write_entries() = 0;
};

class TcgDirtyLog final : public memory::DirtyLog {
 public:
    TcgDirtyLog(memory::RamList& ram, WriteEntryDropper& dropper) : ram_(ram), dropper_(dropper) {}

    Result<void> start() override;
    void stop() override;
    Result<void> collect(std::vector<Bitmap>& into) override;
    bool guest_announces_writes() const override { return true; }

 private:
    memory::RamList& ram_;
    WriteEntryDropper& dropper_;
};

}  // namespace qc::accel::tcg
