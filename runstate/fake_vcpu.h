// SPDX-License-Identifier: GPL-2.0-or-later
//
// A processor for the tests and the benchmark of run control.
#pragma once

#include <atomic>
#include <cstdlib>

#include "accel/vcpu.h"
#include "util/mutex.h"

namespace qc::runstate {

// A processor whose "guest code" is a wait for the next kick.
class FakeVcpu final : public accel::Vcpu {
 public:
    void connect_apic(hw::ApicPort&) override {}
    accel::VcpuExit run() override {
        MutexLock lock(mutex_);
        ++runs_;
        changed_.notify_all();
        if (fail_next_) {
            fail_next_ = false;
            return accel::VcpuExit::kInternalError;
        }
        if (halted_) return accel::VcpuExit::kHalted;
        wait_for_kick();
        return accel::VcpuExit::kKicked;
    }
    void wait_for_event() override {
        MutexLock lock(mutex_);
        ++waits_;
        changed_.notify_all();
        wait_for_kick();
    }
    void kick() override {
        MutexLock lock(mutex_);
        kicked_ = true;
        changed_.notify_all();
    }
    void reset() override {}
    void start_from(const hw::ProcessorStart&) override {}
    state::StateComponent& state() override { std::abort(); }
    Result<void> thread_started() override {
        if (refuse_) return fail("no such processor");
        return {};
    }
    void thread_ending() override { ended_ = true; }
    void set_interrupt_line(bool) override {}
    void raise_nmi() override {}
    void raise_smi() override {}
    void raise_init() override {}
    void raise_startup(uint8_t) override {}
    void set_a20_enabled(bool) override {}

    void wait_for_runs(int count) {
        MutexLock lock(mutex_);
        while (runs_ < count)
            changed_.wait(mutex_);
    }
    void wait_for_waits(int count) {
        MutexLock lock(mutex_);
        while (waits_ < count)
            changed_.wait(mutex_);
    }
    int runs() {
        MutexLock lock(mutex_);
        return runs_;
    }

    bool refuse_ = false;
    std::atomic<bool> ended_ = false;
    std::atomic<bool> fail_next_ = false;
    std::atomic<bool> halted_ = false;

 private:
    void wait_for_kick() REQUIRES(mutex_) {
        while (!kicked_)
            changed_.wait(mutex_);
        kicked_ = false;
    }
    Mutex mutex_;
    CondVar changed_;
    bool kicked_ GUARDED_BY(mutex_) = false;
    int runs_ GUARDED_BY(mutex_) = 0;
    int waits_ GUARDED_BY(mutex_) = 0;
};

}  // namespace qc::runstate
