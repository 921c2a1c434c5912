// SPDX-License-Identifier: GPL-2.0-or-later
//
// One processor's local APIC between its CpuPort, the 8259 pair and the other
// APICs. See hw/intc/local_apic_core.h; its registers are reached through an
// ApicWindow.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <functional>

#include "hw/core/cpu_port.h"
#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/intc/apic_router.h"
#include "hw/intc/interrupt_acknowledger.h"
#include "hw/intc/local_apic_core.h"
#include "state/component_of.h"

namespace qc::hw {

class LocalApic final : public Device, public ApicPort, public ApicNode {
 public:
    struct Config {
        uint8_t id = 0;
        unsigned index = 0;  // of the processor
        LocalApicCore::Cpu cpu = LocalApicCore::Cpu::kBootstrap;
    };
    struct Connections {
        CpuPort& cpu;
        InterruptAcknowledger& external;  // who answers for LINT0's ExtINT
        ApicRouter& router;
    };
    LocalApic(const Config& config, const DeviceContext& context, const Connections& connections);

    // LINT0 is the 8259 pair's output, LINT1 the machine's NMI.
    void set_lint(unsigned pin, bool level);

    uint32_t read(uint64_t offset);
    void write(uint64_t offset, uint32_t value);
    bool globally_enabled() const { return core_.globally_enabled(); }
    // Called after IA32_APIC_BASE changed, or may have.
    void on_base_changed(std::function<void()> callback) { base_changed_ = std::move(callback); }

    // ApicPort.
    std::optional<uint8_t> acknowledge_interrupt() override;
    uint64_t apic_base() const override { return core_.apic_base(); }
    bool set_apic_base(uint64_t value) override;
    uint8_t task_priority_class() const override { return core_.tpr() >> 4; }
    void set_task_priority_class(uint8_t priority) override;
    void cpu_init_reset() override;
    void offer_tsc_deadline() override { core_.offer_tsc_deadline(); }
    void set_deadline_ns(std::optional<int64_t> when) override;
    bool deadline_pending() const override { return core_.deadline_pending(); }

    // ApicNode.
    bool matches(ApicDestinationMode mode, uint8_t destination) const override;
    bool takes_interrupts() const override;
    uint8_t processor_priority() const override { return core_.processor_priority(); }
    bool receive(const ApicMessage& message) override;
    bool waits(uint8_t vector) const override { return core_.state().irr.test(vector); }

    std::string_view type_name() const override { return "apic"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    // For the component.
    LocalApicCore::State save() const { return core_.state(); }
    Result<void> validate(const LocalApicCore::State& state) const { return core_.validate(state); }
    void restore(const LocalApicCore::State& state);

 private:
    int64_t now_ns() const { return timers_.clock().now_ns(); }
    void settle();
    void send(const LocalApicCore::Ipi& ipi);
    void arm_timer();

    unsigned index_;  // of the processor
    TimerQueue& timers_;
    CpuPort& cpu_;
    InterruptAcknowledger& external_;
    ApicRouter& router_;
    LocalApicCore core_;
    bool intr_ = false;  // what the processor was told
    std::function<void()> base_changed_;
    // The timer does not run again before this; not part of the state.
    int64_t earliest_ns_ = 0;
    Timer timer_;
    state::ComponentOf<LocalApic, LocalApicCore::State> component_;
};

}  // namespace qc::hw
