// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-accel tcg`: runs guest code with our own emulator, on any host. See
// docs/devel/tcg.rst.
//
// Threading: main thread, except where a member says otherwise. Owned by the
// machine; outlives its vCPUs.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "accel/accelerator.h"
#include "accel/tcg/tcg_dirty_log.h"
#include "accel/tcg/tcg_vcpu.h"
#include "target/i386/cpu_model.h"
#include "util/mutex.h"

namespace qc::accel::tcg {

class TcgAccelerator final : public Accelerator,
                             private memory::CodeWriteListener,
                             private memory::AddressSpaceListener,
                             private VcpuGroup,
                             private WriteEntryDropper {
 public:
    static Result<std::unique_ptr<Accelerator>> create(AcceleratorDeps deps);
    ~TcgAccelerator() override;

    std::string_view name() const override { return "tcg"; }
    i386::CpuSupport cpu_support() const override;
    void guest_time_starting() override;
    Result<void> attach_memory() override;
    Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned index, const i386::CpuModel& model) override;
    memory::DirtyLog& dirty_log() override { return dirty_log_; }
    hw::KernelIrqchip* kernel_irqchip() override { return nullptr; }

 private:
    explicit TcgAccelerator(AcceleratorDeps deps);

    // Any thread.
    void code_page_written(memory::RamBlock& block, uint64_t page) override;
    void view_changed(const memory::FlatView& before, const memory::FlatView& after) override;
    void vcpu_gone(TcgVcpu& vcpu) override;
    void code_page_added(TcgVcpu& by, memory::RamBlock& block, uint64_t page) override;
    void code_page_stored(TcgVcpu& by, memory::RamBlock& block, uint64_t page) override;
    const std::atomic<unsigned>& vcpu_count() const override { return vcpu_count_; }
    Mutex& split_access() override { return split_access_; }
    void drop_write_entries() override;

    AcceleratorDeps deps_;
    bool attached_ = false;
    TcgDirtyLog dirty_log_;
    std::atomic<unsigned> vcpu_count_{0};
    Mutex split_access_;
    Mutex mutex_;
    std::vector<TcgVcpu*> vcpus_ GUARDED_BY(mutex_);
};

}  // namespace qc::accel::tcg
