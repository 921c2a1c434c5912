// SPDX-License-Identifier: GPL-2.0-or-later
//
// A KVM vCPU's creation, reset, state and clocks.
#include <algorithm>

#include "accel/kvm/kvm_abi.h"
#include "accel/kvm/kvm_cpuid.h"
#include "accel/kvm/kvm_vcpu.h"
#include "accel/kvm/shared_areas.h"
#include "state/component_of.h"
#include "target/i386/processor_start.h"
#include "util/log.h"

namespace qc::kvm {

using i386::CpuState;
using i386::MpState;

namespace {

constexpr uint32_t kMsrMcgCtl = 0x17b;
constexpr uint64_t kRflagsIf = 1u << 9;
constexpr uint64_t kMachineCheckBanks = 10;
// MCG_CTL_P and MCG_SER_P of IA32_MCG_CAP.
constexpr uint64_t kMachineCheckFeatures = 1u << 8 | 1u << 24;

// Where the local APIC is a device of ours, the vCPU's state is the processor's and
// nothing else, as under any accelerator.
struct PlainOwner {
    KvmVcpu& vcpu;
    Result<CpuState> save() const { return TRY(vcpu.save()).cpu; }
    Result<void> validate(const CpuState& state) const {
        return vcpu.validate({.cpu = state, .lapic = {}});
    }
    Result<void> restore(const CpuState& state) {
        return vcpu.restore({.cpu = state, .lapic = {}});
    }
};

kvm_device_attr tsc_offset_attribute(uint64_t& offset) {
    kvm_device_attr attribute{};
    attribute.group = KVM_VCPU_TSC_CTRL;
    attribute.attr = KVM_VCPU_TSC_OFFSET;
    attribute.addr = reinterpret_cast<uintptr_t>(&offset);
    return attribute;
}

bool can_set_tsc_offset(const KvmFd& vcpu) {
    uint64_t offset = 0;
    kvm_device_attr attribute = tsc_offset_attribute(offset);
    return KVM_IOCTL(vcpu, KVM_HAS_DEVICE_ATTR, &attribute).has_value();
}

VcpuRegisters::Config registers_config(const KvmFd& vcpu, const MsrSet& msrs,
                                       const KvmVcpu::Deps& deps, const KvmVcpu::Config& config,
                                       const i386::CpuModel& model) {
    const uint32_t area = std::max<uint32_t>(
        sizeof(kvm_xsave), static_cast<uint32_t>(deps.vm.extension(KVM_CAP_XSAVE2)));
    const bool has_xsave = model.has("xsave");
    const uint32_t guest = model.cpuid(0xd, 0, {}).ecx;
    return {.vcpu = vcpu,
            .msrs = msrs,
            .has_lapic = config.kernel_irqchip,
            .guest_has_xsave = has_xsave,
            .xsave_size = area,
            .guest_xsave_size = has_xsave ? std::min(guest, area) : area,
            .has_smm = deps.vm.extension(KVM_CAP_X86_SMM) > 0};
}

// KVM's own registers answer by default even where CPUID does not show them.
Result<void> refuse_hidden_registers(const KvmFd& system, const KvmFd& vcpu) {
    if (system.extension(KVM_CAP_ENFORCE_PV_FEATURE_CPUID) <= 0) return {};
    return vcpu.enable_capability(KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
                                  "KVM_CAP_ENFORCE_PV_FEATURE_CPUID", 1);
}

Result<void> set_up_machine_checks(const KvmFd& system, const KvmFd& vcpu,
                                   const i386::CpuModel& model) {
    uint64_t supported = 0;
    if (!model.has("mce") || !model.has("mca") || system.extension(KVM_CAP_MCE) <= 0) return {};
    TRY(KVM_IOCTL(system, KVM_X86_GET_MCE_CAP_SUPPORTED, &supported));
    uint64_t capabilities = (supported & kMachineCheckFeatures) | kMachineCheckBanks;
    TRY(KVM_IOCTL(vcpu, KVM_X86_SETUP_MCE, &capabilities));
    return {};
}

}  // namespace

struct KvmVcpu::Components {
    Components(KvmVcpu& vcpu, unsigned index)
        : owner{vcpu},
          plain({.name = "cpu", .instance = index}, owner),
          with_lapic({.name = "kvm-cpu", .instance = index}, vcpu) {}
    PlainOwner owner;
    state::ComponentOf<PlainOwner, CpuState> plain;
    state::ComponentOf<KvmVcpu, KernelApicCpuState> with_lapic;
};

Result<std::unique_ptr<KvmVcpu>> KvmVcpu::create(Config config, const i386::CpuModel& model,
                                                 Deps deps) {
    KvmFd fd(UniqueFd(TRY(KVM_IOCTL(deps.vm, KVM_CREATE_VCPU, config.apic_id))));
    const int size = TRY(KVM_IOCTL(deps.system, KVM_GET_VCPU_MMAP_SIZE));
    RunPage page = TRY(RunPage::map(fd, static_cast<size_t>(size)));
    TRY(set_cpuid(fd, model, {.apic_id = config.apic_id}));
    TRY(refuse_hidden_registers(deps.system, fd));
    TRY(set_up_machine_checks(deps.system, fd, model));
    MsrSet msrs = TRY(deps.msrs.narrow(fd));
    return std::unique_ptr<KvmVcpu>(
        new KvmVcpu(config, model, deps, std::move(fd), std::move(page), std::move(msrs)));
}

KvmVcpu::KvmVcpu(Config config, const i386::CpuModel& model, Deps deps, KvmFd fd, RunPage page,
                 MsrSet msrs)
    : config_(config),
      model_(model),
      deps_(deps),
      fd_(std::move(fd)),
      run_(std::move(page)),
      msrs_(std::move(msrs)),
      registers_(registers_config(fd_, msrs_, deps_, config_, model_)),
      has_tsc_offset_(can_set_tsc_offset(fd_)),
      has_deadline_(config.kernel_irqchip && msrs_.listed_by_host(kMsrTscDeadline)),
      has_smm_(deps.vm.extension(KVM_CAP_X86_SMM) > 0),
      components_(std::make_unique<Components>(*this, config.index)) {}

KvmVcpu::~KvmVcpu() = default;

state::StateComponent& KvmVcpu::state() {
    if (config_.kernel_irqchip) return components_->with_lapic;
    return components_->plain;
}

void KvmVcpu::reset() {
    const bool bootstrap = config_.index == 0;
    KernelApicCpuState state{.cpu = i386::reset_state(model_, bootstrap), .lapic = {}};
    if (!msrs_.contains(kMsrMcgCtl)) state.cpu.msr.mcg_ctl = 0;
    auto present = save();
    if (present) state.lapic = reset_lapic(config_.apic_id, bootstrap, present->lapic);
    auto result = present ? restore(state) : Failure(std::move(present).error());
    if (!result) {
        error_report("KVM: cannot reset vCPU {}: {}", config_.index, result.error().message());
        deps_.machine.report_internal_error();
    }
}

void KvmVcpu::start_from(const hw::ProcessorStart& start) {
    auto state = save();
    if (state) i386::apply_start(state->cpu, model_, start);
    auto result = state ? restore(*state) : Failure(std::move(state).error());
    if (!result) {
        error_report("KVM: cannot start vCPU {}: {}", config_.index, result.error().message());
        deps_.machine.report_internal_error();
    }
}

Result<KernelApicCpuState> KvmVcpu::save() const {
    KernelApicCpuState state;
    CpuState& cpu = state.cpu;
    TRY(registers_.read(cpu, config_.kernel_irqchip ? &state.lapic : nullptr)
            .context("reading vCPU {}", config_.index));
    if (!config_.kernel_irqchip) {
        cpu.mp_state = wait_for_startup_ ? MpState::kWaitForSipi
                       : halted_         ? MpState::kHalted
                                         : MpState::kRunning;
    }
    if (shutdown_) cpu.mp_state = MpState::kShutdown;
    const uint32_t requests = requests_.load();
    cpu.events.nmi_pending |= (requests & kNmi) != 0;
    cpu.events.smi_pending |= (requests & kSmi) != 0 && has_smm_;
    cpu.events.init_pending |= (requests & kInit) != 0;
    cpu.events.sipi_pending = (requests & kStartup) != 0;
    if (cpu.events.sipi_pending) cpu.events.sipi_vector = startup_vector_.load();
    cpu.a20_enabled = a20_enabled_.load();
    cpu.msr.tsc = tsc_held_ ? held_tsc_ : TRY(read_msr(fd_, kMsrTsc));
    if (has_deadline_) {
        cpu.msr.tsc_deadline = tsc_held_ ? held_deadline_ : TRY(read_msr(fd_, kMsrTscDeadline));
    }
    return state;
}

Result<void> KvmVcpu::validate(const KernelApicCpuState& state) const {
    TRY(i386::validate(state.cpu));
    return registers_.check(state.cpu);
}

Result<void> KvmVcpu::restore(const KernelApicCpuState& state) {
    const CpuState& cpu = state.cpu;
    const SharedAreasKeeper keeper(deps_.memory, cpu.msr);
    TRY(registers_.write(cpu, config_.kernel_irqchip ? &state.lapic : nullptr)
            .context("setting vCPU {}", config_.index));
    io_pending_ = false;
    halted_ = cpu.mp_state == MpState::kHalted;
    wait_for_startup_ = cpu.mp_state == MpState::kWaitForSipi;
    shutdown_ = cpu.mp_state == MpState::kShutdown;
    interrupts_enabled_ = (cpu.rflags & kRflagsIf) != 0;
    uint32_t requests = 0;
    // A latched INIT is part of what KVM took over only where it has SMM.
    if (cpu.events.init_pending && !has_smm_) requests |= kInit;
    if (cpu.events.sipi_pending) requests |= kStartup;
    startup_vector_.store(cpu.events.sipi_vector);
    requests_.store(requests);
    a20_enabled_.store(cpu.a20_enabled);
    // Left from the exit before the load: it would let an interrupt in too early.
    run_->ready_for_interrupt_injection = 0;
    TRY(set_tsc(cpu.msr.tsc));
    if (tsc_held_) {
        held_deadline_ = cpu.msr.tsc_deadline;
        return {};
    }
    return has_deadline_ ? write_msr(fd_, kMsrTscDeadline, cpu.msr.tsc_deadline) : Result<void>{};
}

Result<void> KvmVcpu::take_init() {
    KernelApicCpuState state = TRY(save());
    i386::apply_init(state.cpu, model_);
    TRY(restore(state));
    if (!apic_) return {};
    MachineLockGuard guard(deps_.lock);
    apic_->cpu_init_reset();
    return {};
}

Result<void> KvmVcpu::take_startup() {
    KernelApicCpuState state = TRY(save());
    i386::apply_startup(state.cpu, startup_vector_.load());
    return restore(state);
}

Result<uint64_t> KvmVcpu::read_tsc_offset() const {
    uint64_t offset = 0;
    kvm_device_attr attribute = tsc_offset_attribute(offset);
    TRY(KVM_IOCTL(fd_, KVM_GET_DEVICE_ATTR, &attribute));
    return offset;
}

Result<void> KvmVcpu::write_tsc_offset(uint64_t offset) const {
    kvm_device_attr attribute = tsc_offset_attribute(offset);
    TRY(KVM_IOCTL(fd_, KVM_SET_DEVICE_ATTR, &attribute));
    return {};
}

Result<uint64_t> KvmVcpu::read_host_tsc() const {
    if (!has_tsc_offset_) return uint64_t{0};
    const uint64_t offset = TRY(read_tsc_offset());
    return TRY(read_msr(fd_, kMsrTsc)) - offset;
}

Result<void> KvmVcpu::set_tsc(uint64_t value) {
    if (tsc_held_) {
        held_tsc_ = value;
        tsc_changed_ = true;
        return {};
    }
    if (!has_tsc_offset_) return write_msr(fd_, kMsrTsc, value);
    return write_tsc_offset(value - TRY(read_host_tsc()));
}

Result<void> KvmVcpu::hold_tsc(uint64_t host_tsc) {
    held_tsc_ = has_tsc_offset_ ? host_tsc + TRY(read_tsc_offset()) : TRY(read_msr(fd_, kMsrTsc));
    held_deadline_ = has_deadline_ ? TRY(read_msr(fd_, kMsrTscDeadline)) : 0;
    // The kernel's timer must not fire for a guest whose time stands still.
    if (held_deadline_ != 0) TRY(write_msr(fd_, kMsrTscDeadline, 0));
    tsc_held_ = true;
    tsc_changed_ = false;
    return {};
}

Result<void> KvmVcpu::release_tsc(uint64_t host_tsc) {
    if (has_tsc_offset_) {
        TRY(write_tsc_offset(held_tsc_ - host_tsc));
    } else if (tsc_changed_) {
        TRY(write_msr(fd_, kMsrTsc, held_tsc_));
    }
    tsc_held_ = false;
    if (has_deadline_ && held_deadline_ != 0) {
        TRY(write_msr(fd_, kMsrTscDeadline, held_deadline_));
    }
    return {};
}

void KvmVcpu::tell_of_stop() const {
    // Fails where the guest has no such clock, and then there is nobody to tell.
    (void)KVM_IOCTL(fd_, KVM_KVMCLOCK_CTRL);
}

}  // namespace qc::kvm
