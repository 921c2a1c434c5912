// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-accel qtest`: a whole machine in which no guest code runs and guest time moves by
// commands only. See docs/devel/qtest.rst.
//
// Threading: main thread, except where a member says otherwise. Owned by the machine.
#pragma once

#include <memory>

#include "accel/accelerator.h"
#include "target/i386/cpu_model.h"

namespace qc::accel::qtest {

// Nobody but devices and the test writes to memory, and they mark pages themselves.
class QtestDirtyLog final : public memory::DirtyLog {
 public:
    explicit QtestDirtyLog(memory::RamList& ram) : ram_(ram) {}

    Result<void> start() override;
    void stop() override;
    Result<void> collect(std::vector<Bitmap>& into) override;
    bool guest_announces_writes() const override { return true; }

 private:
    memory::RamList& ram_;
};

class QtestAccelerator final : public Accelerator {
 public:
    static Result<std::unique_ptr<Accelerator>> create(const AcceleratorDeps& deps);

    std::string_view name() const override { return "qtest"; }
    // Every feature: what nothing executes cannot be missing.
    i386::CpuSupport cpu_support() const override;
    Result<void> attach_memory() override { return {}; }
    Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned index, const i386::CpuModel& model) override;
    memory::DirtyLog& dirty_log() override { return dirty_log_; }
    hw::KernelIrqchip* kernel_irqchip() override { return nullptr; }
    bool guest_time_passes() const override { return false; }

 private:
    explicit QtestAccelerator(memory::RamList& ram) : dirty_log_(ram) {}

    QtestDirtyLog dirty_log_;
};

}  // namespace qc::accel::qtest
