// SPDX-License-Identifier: GPL-2.0-or-later
//
// A processor that executes nothing. It has the state of one, which is reset, saved and
// loaded like any other's; interrupts and other requests reach nobody.
//
// Threading: as accel::Vcpu says. Owned by the machine.
#pragma once

#include "accel/vcpu.h"
#include "state/component_of.h"
#include "target/i386/cpu_model.h"
#include "target/i386/cpu_state.h"
#include "util/mutex.h"

namespace qc::accel::qtest {

class QtestVcpu final : public Vcpu {
 public:
    QtestVcpu(unsigned index, const i386::CpuModel& model);

    void set_interrupt_line(bool) override {}
    void raise_nmi() override {}
    void raise_smi() override {}
    void raise_init() override {}
    void raise_startup(uint8_t) override {}
    void set_a20_enabled(bool enabled) override {
        a20_enabled_.store(enabled, std::memory_order_relaxed);
    }

    void connect_apic(hw::ApicPort& apic) override { apic_ = &apic; }
    VcpuExit run() override { return VcpuExit::kHalted; }
    void wait_for_event() override;
    void kick() override;
    void reset() override;
    void start_from(const hw::ProcessorStart& start) override;
    state::StateComponent& state() override { return component_; }
    Result<void> thread_started() override { return {}; }
    void thread_ending() override {}

    // For the component.
    i386::CpuState save() const;
    Result<void> validate(const i386::CpuState& state) const { return i386::validate(state); }
    void restore(const i386::CpuState& state);

 private:
    const unsigned index_;
    const i386::CpuModel model_;
    hw::ApicPort* apic_ = nullptr;
    i386::CpuState state_;  // machine lock
    std::atomic<bool> a20_enabled_{true};
    state::ComponentOf<QtestVcpu, i386::CpuState> component_;

    Mutex mutex_;
    CondVar kicked_changed_;
    bool kicked_ GUARDED_BY(mutex_) = false;
};

}  // namespace qc::accel::qtest
