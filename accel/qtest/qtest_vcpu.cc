// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/qtest/qtest_vcpu.h"

#include "target/i386/processor_start.h"
#include "util/machine_lock.h"

namespace qc::accel::qtest {

QtestVcpu::QtestVcpu(unsigned index, const i386::CpuModel& model)
    : index_(index), model_(model), component_({.name = "cpu", .instance = index}, *this) {
    reset();
}

void QtestVcpu::wait_for_event() {
    assert_may_block();
    MutexLock lock(mutex_);
    while (!kicked_)
        kicked_changed_.wait(mutex_);
    kicked_ = false;
}

void QtestVcpu::kick() {
    MutexLock lock(mutex_);
    kicked_ = true;
    kicked_changed_.notify_all();
}

void QtestVcpu::reset() {
    state_ = i386::reset_state(model_, index_ == 0);
}

void QtestVcpu::start_from(const hw::ProcessorStart& start) {
    i386::apply_start(state_, model_, start);
}

i386::CpuState QtestVcpu::save() const {
    i386::CpuState state = state_;
    state.a20_enabled = a20_enabled_.load(std::memory_order_relaxed);
    if (apic_ != nullptr) {
        state.msr.apic_base = apic_->apic_base();
        state.cr8 = apic_->task_priority_class();
    }
    return state;
}

void QtestVcpu::restore(const i386::CpuState& state) {
    state_ = state;
    a20_enabled_.store(state.a20_enabled, std::memory_order_relaxed);
}

}  // namespace qc::accel::qtest
