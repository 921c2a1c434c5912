// SPDX-License-Identifier: GPL-2.0-or-later
//
// A VM's memory slots, kept equal to the memory address space, and the log of
// the pages that its guest wrote. Source: api.rst, KVM_SET_USER_MEMORY_REGION,
// KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG.
//
// Threading: view_changed() under the machine lock; the DirtyLog functions in the
// migration thread. A mutex keeps the two apart. Owned by KvmAccelerator.
#pragma once

#include <vector>

#include "accel/kvm/kvm_fd.h"
#include "accel/kvm/slot_table.h"
#include "hw/core/machine_port.h"
#include "memory/address_space.h"
#include "memory/dirty_log.h"
#include "memory/ram_list.h"
#include "util/mutex.h"

namespace qc::kvm {

class KvmMemory final : public memory::AddressSpaceListener, public memory::DirtyLog {
 public:
    struct Deps {
        const KvmFd& vm;
        memory::RamList& ram;
        memory::AddressSpace& memory;
        hw::MachinePort& machine;
        uint32_t max_slots;
        // KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 is switched on: reading the log does not
        // write-protect, clearing it does.
        bool manual_clear;
    };
    explicit KvmMemory(Deps deps);
    ~KvmMemory() override;

    // Maps what is there and follows what changes.
    Result<void> attach();

    void view_changed(const memory::FlatView& before, const memory::FlatView& after) override;

    Result<void> start() override;
    void stop() override;
    Result<void> collect(std::vector<Bitmap>& into) override;
    // The processor writes without asking.
    bool guest_announces_writes() const override { return false; }

 private:
    Result<void> apply(const SlotChanges& changes) REQUIRES(mutex_);
    Result<void> set_slot(const Slot& slot, bool present) REQUIRES(mutex_);
    Result<void> collect_slot(const Slot& slot, Bitmap& into) REQUIRES(mutex_);
    Bitmap& bitmap_of(std::vector<Bitmap>& into, const memory::RamBlock& block) const;

    Deps deps_;
    bool attached_ = false;
    Mutex mutex_;
    SlotTable table_ GUARDED_BY(mutex_);
    bool logging_ GUARDED_BY(mutex_) = false;
    // Scratch for one slot's log, kept so that a checkpoint does not allocate.
    std::vector<uint64_t> words_ GUARDED_BY(mutex_);
};

}  // namespace qc::kvm
