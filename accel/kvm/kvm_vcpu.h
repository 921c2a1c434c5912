// SPDX-License-Identifier: GPL-2.0-or-later
//
// One vCPU under KVM: the run loop and what it does between two entries into the
// guest. Source: api.rst, KVM_RUN and struct kvm_run.
//
// A request from another thread (kick, interrupt, NMI) is stored first, then
// kvm_run.immediate_exit is set, then the thread is signalled: whether the vCPU is
// before, inside or after KVM_RUN, it comes back and sees the request. The loop
// clears immediate_exit before it looks.
//
// Threading: as accel::Vcpu. Owned by the machine.
#pragma once

#include <pthread.h>

#include <atomic>
#include <memory>
#include <optional>

#include "accel/kvm/kvm_fd.h"
#include "accel/kvm/kvm_msrs.h"
#include "accel/kvm/run_page.h"
#include "accel/kvm/vcpu_registers.h"
#include "accel/vcpu.h"
#include "hw/core/machine_port.h"
#include "memory/address_space.h"
#include "target/i386/cpu_model.h"
#include "target/i386/cpu_state.h"
#include "util/machine_lock.h"
#include "util/mutex.h"

namespace qc::kvm {

// The vCPU's state where the local APIC is the kernel's.
struct KernelApicCpuState {
    i386::CpuState cpu;
    LapicPage lapic{};

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("cpu", s.cpu);
        v("lapic", s.lapic);
    }
};

class KvmVcpu final : public accel::Vcpu {
 public:
    struct Deps {
        const KvmFd& system;
        const KvmFd& vm;
        const MsrSet& msrs;  // of the host
        MachineLock& lock;
        memory::AddressSpace& memory;
        memory::AddressSpace& io;
        hw::MachinePort& machine;
    };
    struct Config {
        unsigned index = 0;
        uint32_t apic_id = 0;  // the host kernel's name for it as well
        bool kernel_irqchip = true;
    };
    static Result<std::unique_ptr<KvmVcpu>> create(Config config, const i386::CpuModel& model,
                                                   Deps deps);
    ~KvmVcpu() override;

    void connect_apic(hw::ApicPort& apic) override { apic_ = &apic; }
    accel::VcpuExit run() override;
    void wait_for_event() override;
    void kick() override;
    void reset() override;
    void start_from(const hw::ProcessorStart& start) override;
    state::StateComponent& state() override;
    Result<void> thread_started() override;
    void thread_ending() override;

    void set_interrupt_line(bool level) override;
    void raise_nmi() override;
    void raise_smi() override;
    void raise_init() override;
    void raise_startup(uint8_t vector) override;
    // KVM has no such gate: the pin's level is kept for the state and does nothing.
    void set_a20_enabled(bool enabled) override { a20_enabled_.store(enabled); }

    // For KvmClock. The host's TSC as the guest's is derived from it; 0 if this KVM
    // cannot set offsets.
    Result<uint64_t> read_host_tsc() const;
    Result<void> hold_tsc(uint64_t host_tsc);
    Result<void> release_tsc(uint64_t host_tsc);
    // Tells a guest that uses KVM's clock that it was stopped, so that its watchdogs begin anew.
    void tell_of_stop() const;

    Result<KernelApicCpuState> save() const;
    Result<void> validate(const KernelApicCpuState& state) const;
    Result<void> restore(const KernelApicCpuState& state);

 private:
    // What other threads ask for, beside INTR and kicks.
    enum Request : uint32_t { kNmi = 1, kSmi = 2, kInit = 4, kStartup = 8 };
    struct Components;

    KvmVcpu(Config config, const i386::CpuModel& model, Deps deps, KvmFd fd, RunPage page,
            MsrSet msrs);

    void request(uint32_t bits);
    void interrupt_run();
    bool wake_pending() const;

    // Each: nothing to go on, or why run() returns.
    using Outcome = std::optional<accel::VcpuExit>;
    Outcome serve_requests();
    Outcome prepare_entry();
    Outcome enter();
    Outcome complete_io();
    Outcome handle_exit();
    Outcome fail_run(std::string_view what);
    void take_back_apic_state();
    Result<void> inject_interrupt();
    Result<void> take_init();
    Result<void> take_startup();
    void handle_pio();
    void handle_mmio();
    void handle_system_event();

    Result<uint64_t> read_tsc_offset() const;
    Result<void> write_tsc_offset(uint64_t offset) const;
    Result<void> set_tsc(uint64_t value);

    const Config config_;
    const i386::CpuModel model_;
    const Deps deps_;
    const KvmFd fd_;
    const RunPage run_;
    const MsrSet msrs_;
    const VcpuRegisters registers_;
    const bool has_tsc_offset_;
    const bool has_deadline_;
    const bool has_smm_;
    hw::ApicPort* apic_ = nullptr;
    const std::unique_ptr<Components> components_;

    // The vCPU thread's; others touch them while it is paused.
    bool io_pending_ = false;  // KVM_RUN has still to complete an access
    bool halted_ = false;      // HLT, where the irqchip is ours
    bool wait_for_startup_ = false;
    bool shutdown_ = false;  // after a triple fault
    std::atomic<bool> interrupts_enabled_{false};

    // While guest time is held: the TSC and its deadline, to be set on release.
    bool tsc_held_ = true;
    bool tsc_changed_ = true;
    uint64_t held_tsc_ = 0;
    uint64_t held_deadline_ = 0;

    std::atomic<bool> kicked_{false};
    std::atomic<bool> interrupt_line_{false};
    std::atomic<uint32_t> requests_{0};
    std::atomic<uint8_t> startup_vector_{0};
    std::atomic<bool> a20_enabled_{true};

    Mutex thread_mutex_;
    CondVar wake_;
    bool thread_alive_ GUARDED_BY(thread_mutex_) = false;
    pthread_t thread_ GUARDED_BY(thread_mutex_) = {};
};

}  // namespace qc::kvm
