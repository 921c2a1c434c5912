// SPDX-License-Identifier: GPL-2.0-or-later
//
// The 8259 pair, the IOAPIC and the 8254 that the host's kernel emulates. Source:
// api.rst, KVM_CREATE_IRQCHIP, KVM_IRQ_LINE, KVM_SET_GSI_ROUTING, KVM_CREATE_PIT2.
//
// The kernel answers port 61h too (the PIT's gate and output), so no device of
// ours sees it.
//
// Threading: as hw::KernelIrqchip. Owned by KvmAccelerator.
#pragma once

#include <memory>
#include <vector>

#include "accel/kvm/irqchip_state.h"
#include "accel/kvm/kvm_fd.h"
#include "hw/core/kernel_irqchip.h"
#include "hw/core/machine_port.h"

namespace qc::kvm {

class KvmIrqchip final : public hw::KernelIrqchip {
 public:
    // Before any vCPU is created.
    static Result<std::unique_ptr<KvmIrqchip>> create(const KvmFd& vm, hw::MachinePort& machine);
    ~KvmIrqchip() override;

    void set_gsi_level(unsigned gsi, bool level) override;
    void send_msi(uint64_t address, uint16_t data) override;
    void reset() override;
    void set_up_pics(const hw::PicSetup& setup) override;
    std::vector<state::StateComponent*> state_components() override;
    void set_pit_channel2_gate(bool gate) override;
    bool pit_channel2_output() override;
    void set_pit_replaced(bool replaced) override;

    // The kernel's PIT counts on while the VM stands still. After a long stop the
    // ticks it owes would all come at once.
    Result<void> forget_missed_ticks();

    Result<PicPairState> read_pics() const;
    Result<void> write_pics(const PicPairState& state) const;
    Result<IoapicState> read_ioapic() const;
    Result<void> write_ioapic(const IoapicState& state) const;
    Result<PitState> read_pit() const;
    Result<void> write_pit(const PitState& state) const;

 private:
    KvmIrqchip(const KvmFd& vm, hw::MachinePort& machine);
    Result<void> route_interrupts();
    void report_failure(const Result<void>& result) const;

    struct Components;
    const KvmFd& vm_;
    hw::MachinePort& machine_;
    std::unique_ptr<Components> components_;
};

}  // namespace qc::kvm
