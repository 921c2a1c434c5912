// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_accelerator.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "accel/kvm/kvm_abi.h"
#include "accel/kvm/kvm_clock.h"
#include "accel/kvm/kvm_cpuid.h"
#include "accel/kvm/kvm_fd.h"
#include "accel/kvm/kvm_irqchip.h"
#include "accel/kvm/kvm_memory.h"
#include "accel/kvm/kvm_msrs.h"
#include "accel/kvm/kvm_vcpu.h"
#include "target/i386/cpu_model.h"
#include "util/log.h"

namespace qc::kvm {

namespace {

// Four pages below the firmware's flash that processors without unrestricted
// guests need for real mode; no guest's RAM is there.
constexpr uint64_t kIdentityMap = 0xfeffc000;
constexpr uint64_t kTaskState = 0xfeffd000;
constexpr int kDefaultSlots = 32;
// Stops that are shorter do not make the kernel's PIT owe a noticeable burst, nor alarm a
// guest's watchdogs.
constexpr int64_t kLongStopNs = 100'000'000;

struct Requirement {
    unsigned capability;
    std::string_view name;
};
constexpr Requirement kRequirements[] = {
    {KVM_CAP_USER_MEMORY, "user memory"},
    {KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "removal of memory slots"},
    {KVM_CAP_SET_TSS_ADDR, "the task state segment's address"},
    {KVM_CAP_EXT_CPUID, "CPUID tables"},
    {KVM_CAP_IMMEDIATE_EXIT, "immediate exit (Linux 4.11)"},
    {KVM_CAP_XSAVE, "the XSAVE image"},
    {KVM_CAP_XCRS, "extended control registers"},
    {KVM_CAP_VCPU_EVENTS, "pending events"},
    {KVM_CAP_DEBUGREGS, "debug registers"},
    {KVM_CAP_ADJUST_CLOCK, "the kvmclock"},
    {KVM_CAP_READONLY_MEM, "read-only memory"},
};

constexpr const char* kDevice = "/dev/kvm";

Result<KvmFd> open_kvm() {
    UniqueFd fd(open(kDevice, O_RDWR | O_CLOEXEC));
    if (!fd) return fail_errno(errno, "Could not access KVM kernel module");
    KvmFd system(std::move(fd));
    const int version = TRY(KVM_IOCTL(system, KVM_GET_API_VERSION));
    if (version != KVM_API_VERSION) {
        return fail("kvm version {} is not supported, {} is", version, KVM_API_VERSION);
    }
    for (const Requirement& requirement : kRequirements) {
        if (system.extension(requirement.capability) <= 0) {
            return fail("kvm does not support {}", requirement.name);
        }
    }
    return system;
}

// The signal only has to interrupt KVM_RUN.
Result<void> install_kick_signal() {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGUSR1, &action, nullptr) < 0) {
        return fail_errno(errno, "cannot install the vCPUs' signal handler");
    }
    return {};
}

class KvmAccelerator final : public accel::Accelerator {
 public:
    static Result<std::unique_ptr<accel::Accelerator>> create(const KvmOptions& options,
                                                              const accel::AcceleratorDeps& deps) {
        KvmFd system = TRY(open_kvm());
        TRY(install_kick_signal());
        KvmFd vm(UniqueFd(TRY(KVM_IOCTL(system, KVM_CREATE_VM))));
        MsrSet msrs = TRY(MsrSet::create(system));
        std::unique_ptr<KvmAccelerator> accelerator(
            new KvmAccelerator(options, deps, std::move(system), std::move(vm), std::move(msrs)));
        TRY(accelerator->set_up_vm());
        return accelerator;
    }

    std::string_view name() const override { return "kvm"; }
    i386::CpuSupport cpu_support() const override { return support_; }
    Result<void> attach_memory() override { return memory_->attach(); }
    memory::DirtyLog& dirty_log() override { return *memory_; }
    hw::KernelIrqchip* kernel_irqchip() override { return irqchip_.get(); }
    bool supports_smm() const override { return vm_.extension(KVM_CAP_X86_SMM) > 0; }
    std::vector<state::StateComponent*> state_components() override {
        return {&clock_.component()};
    }

    Result<std::unique_ptr<accel::Vcpu>> create_vcpu(unsigned index,
                                                     const i386::CpuModel& model) override {
        const KvmVcpu::Config config{.index = index,
                                     .apic_id = model.topology.apic_id(index),
                                     .kernel_irqchip = irqchip_ != nullptr};
        std::unique_ptr<KvmVcpu> vcpu = TRY(KvmVcpu::create(config, model,
                                                            {system_, vm_, msrs_, deps_.lock,
                                                             deps_.memory, deps_.io, deps_.machine})
                                                .context("creating vCPU {}", index));
        clock_.add_vcpu(*vcpu);
        return vcpu;
    }

    void guest_time_stopped() override {
        stopped_at_ns_ = realtime_.now_ns();
        report_failure(clock_.hold());
    }
    void guest_time_starting() override {
        if (realtime_.now_ns() - stopped_at_ns_ > kLongStopNs) {
            if (irqchip_) report_failure(irqchip_->forget_missed_ticks());
            clock_.tell_of_stop();
        }
        report_failure(clock_.release());
    }

 private:
    KvmAccelerator(const KvmOptions& options, const accel::AcceleratorDeps& deps, KvmFd system,
                   KvmFd vm, MsrSet msrs)
        : options_(options),
          deps_(deps),
          system_(std::move(system)),
          vm_(std::move(vm)),
          msrs_(std::move(msrs)),
          clock_(vm_) {}

    Result<void> set_up_vm() {
        uint64_t identity_map = kIdentityMap;
        TRY(KVM_IOCTL(vm_, KVM_SET_IDENTITY_MAP_ADDR, &identity_map));
        TRY(KVM_IOCTL(vm_, KVM_SET_TSS_ADDR, kTaskState));
        TRY(set_up_irqchip());
        hide_counters();
        const bool manual_clear = set_up_manual_clear();
        if (options_.dirty_ring_requested) {
            warn_report("KVM dirty ring not available, using bitmap method");
        }
        const int slots = system_.extension(KVM_CAP_NR_MEMSLOTS);
        memory_ = std::make_unique<KvmMemory>(KvmMemory::Deps{
            vm_, deps_.ram, deps_.memory, deps_.machine,
            static_cast<uint32_t>(slots > 0 ? slots : kDefaultSlots), manual_clear});
        support_ = TRY(host_cpu_support(system_, irqchip_ != nullptr));
        return {};
    }

    Result<void> set_up_irqchip() {
        if (options_.irqchip == KvmOptions::Irqchip::kOurs) return {};
        const bool possible =
            system_.extension(KVM_CAP_IRQCHIP) > 0 && system_.extension(KVM_CAP_PIT2) > 0 &&
            system_.extension(KVM_CAP_PIT_STATE2) > 0 &&
            system_.extension(KVM_CAP_IRQ_ROUTING) > 0 && system_.extension(KVM_CAP_MP_STATE) > 0;
        if (possible) {
            irqchip_ = TRY(KvmIrqchip::create(vm_, deps_.machine));
        } else if (options_.irqchip == KvmOptions::Irqchip::kKernel) {
            return fail("kvm does not support an irqchip in the kernel");
        }
        return {};
    }

    // AMD's performance counters are there without a flag in CPUID, and their state is not
    // kept.
    void hide_counters() {
        if (system_.extension(KVM_CAP_PMU_CAPABILITY) <= 0) return;
        if (auto result = vm_.enable_capability(KVM_CAP_PMU_CAPABILITY, "KVM_CAP_PMU_CAPABILITY",
                                                KVM_PMU_CAP_DISABLE);
            !result) {
            warn_report("{}", result.error().message());
        }
    }

    bool set_up_manual_clear() {
        const int modes = system_.extension(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
        if (modes <= 0 || !(modes & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)) return false;
        // Without KVM_DIRTY_LOG_INITIALLY_SET: the first log would name every page, and
        // all of memory would be sent twice.
        return vm_
            .enable_capability(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
                               "KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2",
                               KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
            .has_value();
    }

    void report_failure(const Result<void>& result) {
        if (result) return;
        error_report(result.error());
        deps_.machine.report_internal_error();
    }

    const KvmOptions options_;
    const accel::AcceleratorDeps deps_;
    const KvmFd system_;
    const KvmFd vm_;
    const MsrSet msrs_;
    RealtimeClock realtime_;
    int64_t stopped_at_ns_ = 0;
    std::unique_ptr<KvmIrqchip> irqchip_;
    std::unique_ptr<KvmMemory> memory_;
    i386::CpuSupport support_;
    KvmClock clock_;
};

}  // namespace

Result<KvmOptions> parse_kvm_options(OptionString& options) {
    KvmOptions parsed;
    if (auto irqchip = options.take("kernel-irqchip")) {
        if (*irqchip == "split") return fail("kernel-irqchip=split is not supported");
        parsed.irqchip = TRY(parse_bool("kernel-irqchip", *irqchip)) ? KvmOptions::Irqchip::kKernel
                                                                     : KvmOptions::Irqchip::kOurs;
    }
    if (auto size = TRY(options.take_number("dirty-ring-size"))) {
        if ((*size & (*size - 1)) != 0) return fail("dirty-ring-size must be a power of two.");
        parsed.dirty_ring_requested = *size != 0;
    }
    return parsed;
}

bool device_exists() {
    return access(kDevice, F_OK) == 0 || errno != ENOENT;
}

Result<std::unique_ptr<accel::Accelerator>> create_kvm_accelerator(
    const KvmOptions& options, const accel::AcceleratorDeps& deps) {
    return KvmAccelerator::create(options, deps);
}

}  // namespace qc::kvm
