// SPDX-License-Identifier: GPL-2.0-or-later
//
// The run loop. State and clocks are in kvm_vcpu_state.cc.
#include "accel/kvm/kvm_vcpu.h"

#include <sys/ioctl.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>

#include "accel/kvm/kvm_abi.h"
#include "util/log.h"

namespace qc::kvm {

using accel::VcpuExit;
using memory::PhysAddr;

void KvmVcpu::kick() {
    kicked_.store(true);
    interrupt_run();
}

void KvmVcpu::set_interrupt_line(bool level) {
    interrupt_line_.store(level);
    if (level) interrupt_run();
}

void KvmVcpu::raise_nmi() {
    request(kNmi);
}

void KvmVcpu::raise_smi() {
    request(kSmi);
}

void KvmVcpu::raise_init() {
    request(kInit);
}

void KvmVcpu::raise_startup(uint8_t vector) {
    startup_vector_.store(vector);
    request(kStartup);
}

void KvmVcpu::request(uint32_t bits) {
    requests_.fetch_or(bits);
    interrupt_run();
}

void KvmVcpu::interrupt_run() {
    MutexLock lock(thread_mutex_);
    wake_.notify_all();
    // The vCPU's own thread looks at the requests before it enters the guest again.
    if (thread_alive_ && pthread_equal(thread_, pthread_self())) return;
    run_.set_immediate_exit(true);
    if (thread_alive_) pthread_kill(thread_, SIGUSR1);
}

Result<void> KvmVcpu::thread_started() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (int error = pthread_sigmask(SIG_UNBLOCK, &set, nullptr); error != 0) {
        return fail_errno(error, "cannot unblock the vCPU's signal");
    }
    MutexLock lock(thread_mutex_);
    thread_ = pthread_self();
    thread_alive_ = true;
    return {};
}

void KvmVcpu::thread_ending() {
    MutexLock lock(thread_mutex_);
    thread_alive_ = false;
}

bool KvmVcpu::wake_pending() const {
    if (shutdown_) return false;
    if (requests_.load() != 0) return true;
    return !config_.kernel_irqchip && !wait_for_startup_ && interrupt_line_.load() &&
           interrupts_enabled_;
}

void KvmVcpu::wait_for_event() {
    MutexLock lock(thread_mutex_);
    while (!kicked_.load() && !wake_pending())
        wake_.wait(thread_mutex_);
}

VcpuExit KvmVcpu::run() {
    for (;;) {
        run_.set_immediate_exit(false);
        if (kicked_.exchange(false)) {
            // Whoever kicks may want the state: no access may be half done.
            Outcome outcome = complete_io();
            return outcome == VcpuExit::kInternalError ? *outcome : VcpuExit::kKicked;
        }
        if (shutdown_) return VcpuExit::kHalted;
        if (requests_.load() != 0) {
            if (Outcome outcome = serve_requests()) return *outcome;
        }
        if (wait_for_startup_ && !config_.kernel_irqchip) return VcpuExit::kHalted;
        if (Outcome outcome = prepare_entry()) return *outcome;
        if (Outcome outcome = enter()) return *outcome;
    }
}

KvmVcpu::Outcome KvmVcpu::serve_requests() {
    if (Outcome outcome = complete_io()) return outcome;
    const uint32_t bits = requests_.exchange(0);
    Result<void> result;
    if (bits & kInit) result = take_init();
    if (result && (bits & kStartup) && wait_for_startup_) result = take_startup();
    if (result && (bits & kNmi)) {
        halted_ = false;
        if (auto done = KVM_IOCTL(fd_, KVM_NMI); !done) result = Failure(std::move(done).error());
    }
    if (result && (bits & kSmi) && has_smm_) {
        halted_ = false;
        if (auto done = KVM_IOCTL(fd_, KVM_SMI); !done) result = Failure(std::move(done).error());
    }
    if (!result) return fail_run(result.error().message());
    return {};
}

KvmVcpu::Outcome KvmVcpu::prepare_entry() {
    if (config_.kernel_irqchip) return {};
    if (halted_) {
        if (!interrupt_line_.load() || !interrupts_enabled_) return VcpuExit::kHalted;
        halted_ = false;
    }
    if (!apic_) return {};
    if (interrupt_line_.load() && run_->ready_for_interrupt_injection && run_->if_flag) {
        if (auto result = inject_interrupt(); !result) return fail_run(result.error().message());
    }
    run_->request_interrupt_window = interrupt_line_.load();
    MachineLockGuard guard(deps_.lock);
    run_->cr8 = apic_->task_priority_class();
    return {};
}

Result<void> KvmVcpu::inject_interrupt() {
    std::optional<uint8_t> vector;
    {
        MachineLockGuard guard(deps_.lock);
        vector = apic_->acknowledge_interrupt();
    }
    if (!vector) return {};
    kvm_interrupt interrupt{*vector};
    TRY(KVM_IOCTL(fd_, KVM_INTERRUPT, &interrupt));
    return {};
}

KvmVcpu::Outcome KvmVcpu::enter() {
    const int result = ::ioctl(fd_.get(), KVM_RUN, 0);
    const int error = errno;
    // Each entry first completes the access that the last exit was for.
    io_pending_ = false;
    if (!config_.kernel_irqchip) take_back_apic_state();
    if (result >= 0) return handle_exit();
    if (error == EINTR || error == EAGAIN) return {};
    return fail_run(fmt::format("KVM_RUN failed: {}", std::strerror(error)));
}

KvmVcpu::Outcome KvmVcpu::complete_io() {
    while (io_pending_) {
        run_.set_immediate_exit(true);
        if (Outcome outcome = enter()) return outcome;
    }
    return {};
}

void KvmVcpu::take_back_apic_state() {
    interrupts_enabled_ = run_->if_flag;
    if (!apic_) return;
    MachineLockGuard guard(deps_.lock);
    const auto priority = static_cast<uint8_t>(run_->cr8 & 0xf);
    if (priority != apic_->task_priority_class()) apic_->set_task_priority_class(priority);
    if (run_->apic_base != apic_->apic_base()) apic_->set_apic_base(run_->apic_base);
}

KvmVcpu::Outcome KvmVcpu::handle_exit() {
    switch (run_->exit_reason) {
        case KVM_EXIT_IO: handle_pio(); return {};
        case KVM_EXIT_MMIO: handle_mmio(); return {};
        case KVM_EXIT_HLT: halted_ = true; return {};
        case KVM_EXIT_IRQ_WINDOW_OPEN:
        case KVM_EXIT_INTR:
        case KVM_EXIT_SET_TPR:
        case KVM_EXIT_TPR_ACCESS:
        case KVM_EXIT_IOAPIC_EOI: return {};
        case KVM_EXIT_SYSTEM_EVENT: handle_system_event(); return {};
        case KVM_EXIT_SHUTDOWN:
            shutdown_ = true;
            deps_.machine.request_guest_reset();
            return VcpuExit::kHalted;
        case KVM_EXIT_FAIL_ENTRY:
            return fail_run(fmt::format("the processor refused to enter the guest, reason {:#x}",
                                        uint64_t{run_->fail_entry.hardware_entry_failure_reason}));
        case KVM_EXIT_INTERNAL_ERROR:
            return fail_run(fmt::format("internal error {}{}", uint32_t{run_->internal.suberror},
                                        run_->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
                                            ? ": KVM cannot emulate an instruction of the guest"
                                            : ""));
        default:
            return fail_run(fmt::format("unknown exit reason {}", uint32_t{run_->exit_reason}));
    }
}

void KvmVcpu::handle_pio() {
    io_pending_ = true;
    const unsigned size = run_->io.size;
    const PhysAddr port(run_->io.port);
    std::byte* data = run_.at(run_->io.data_offset);
    MachineLockGuard guard(deps_.lock);
    for (uint32_t i = 0; i < run_->io.count; ++i, data += size) {
        uint64_t value = 0;
        if (run_->io.direction == KVM_EXIT_IO_IN) {
            value = deps_.io.load(port, size);
            std::memcpy(data, &value, size);
        } else {
            std::memcpy(&value, data, size);
            deps_.io.store(port, size, value);
        }
    }
}

void KvmVcpu::handle_mmio() {
    io_pending_ = true;
    const PhysAddr address(run_->mmio.phys_addr);
    std::span<std::byte> data(reinterpret_cast<std::byte*>(run_->mmio.data), run_->mmio.len);
    MachineLockGuard guard(deps_.lock);
    if (run_->mmio.is_write) {
        deps_.memory.write(address, data);
    } else {
        deps_.memory.read(address, data);
    }
}

void KvmVcpu::handle_system_event() {
    if (run_->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN) {
        deps_.machine.request_guest_shutdown();
    } else {
        deps_.machine.request_guest_reset();
    }
}

KvmVcpu::Outcome KvmVcpu::fail_run(std::string_view what) {
    io_pending_ = false;
    error_report("KVM: vCPU {}: {}", config_.index, what);
    i386::CpuState state;
    if (registers_.read(state, nullptr)) error_report("\n{}", i386::dump_registers(state));
    return VcpuExit::kInternalError;
}

}  // namespace qc::kvm
