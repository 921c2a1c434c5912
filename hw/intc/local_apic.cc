// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/local_apic.h"

#include <algorithm>

#include "hw/intc/trace.h"

namespace qc::hw {

namespace {
// A guest may set a period of 1 ns. Interrupts come merged at this distance, so
// that it cannot keep the main loop busy.
constexpr int64_t kMinTimerDistanceNs = 20'000;
}  // namespace

LocalApic::LocalApic(const Config& config, const DeviceContext& context,
                     const Connections& connections)
    : index_(config.index),
      timers_(context.virtual_timers),
      cpu_(connections.cpu),
      external_(connections.external),
      router_(connections.router),
      core_(config.id, config.cpu),
      timer_(timers_,
             [this] {
                 core_.advance(now_ns());
                 earliest_ns_ = now_ns() + kMinTimerDistanceNs;
                 settle();
             }),
      component_({.name = "apic", .instance = config.index}, *this) {
    router_.add_node(*this);
}

// Does what the core wants done. An IPI may come back to this APIC, and an EOI
// may make an I/O APIC send here, while this runs: the actions are taken first.
void LocalApic::settle() {
    const LocalApicCore::Actions actions = core_.take_actions();
    if (actions.errors) trace::apic_error(index_, actions.errors);
    if (actions.nmi) cpu_.raise_nmi();
    if (actions.smi) cpu_.raise_smi();
    if (actions.init) cpu_.raise_init();
    if (actions.startup) cpu_.raise_startup(*actions.startup);
    if (actions.ipi) send(*actions.ipi);
    if (actions.end_of_interrupt) router_.broadcast_eoi(*actions.end_of_interrupt);

    const bool intr = core_.intr();
    if (intr != intr_) {
        intr_ = intr;
        cpu_.set_interrupt_line(intr);
    }
    arm_timer();
}

void LocalApic::send(const LocalApicCore::Ipi& ipi) {
    const ApicMessage& message = ipi.message;
    trace::apic_ipi(index_, message.vector, static_cast<uint8_t>(message.delivery),
                    message.destination, static_cast<uint8_t>(ipi.shorthand));
    router_.send_ipi(*this, ipi);
}

void LocalApic::arm_timer() {
    const int64_t next = core_.next_event_ns();
    if (next == ApicTimer::kNever) {
        timer_.cancel();
        return;
    }
    const int64_t deadline = std::max(next, earliest_ns_);
    // Most accesses leave the timer as it is.
    if (!timer_.armed() || timer_.deadline_ns() != deadline) timer_.arm_at_ns(deadline);
}

void LocalApic::set_lint(unsigned pin, bool level) {
    core_.set_lint(pin, level);
    settle();
}

uint32_t LocalApic::read(uint64_t offset) {
    const uint32_t value = core_.read(now_ns(), offset);
    settle();
    return value;
}

void LocalApic::write(uint64_t offset, uint32_t value) {
    core_.write(now_ns(), offset, value);
    settle();
}

std::optional<uint8_t> LocalApic::acknowledge_interrupt() {
    using Kind = LocalApicCore::Acknowledged::Kind;
    const auto acknowledged = core_.acknowledge();
    std::optional<uint8_t> vector;
    if (acknowledged.kind == Kind::kVector) vector = acknowledged.vector;
    // The 8259s' output, and with it LINT0, follows their INTA cycle.
    if (acknowledged.kind == Kind::kExternal) vector = external_.acknowledge();
    settle();
    if (acknowledged.kind == Kind::kVector) router_.broadcast_taken(acknowledged.vector);
    return vector;
}

bool LocalApic::set_apic_base(uint64_t value) {
    if (!core_.set_apic_base(value)) return false;
    trace::apic_base(index_, value);
    if (base_changed_) base_changed_();
    settle();
    return true;
}

void LocalApic::set_task_priority_class(uint8_t priority) {
    core_.set_tpr(static_cast<uint8_t>(priority << 4));
    settle();
}

void LocalApic::cpu_init_reset() {
    core_.init_reset();
    settle();
}

void LocalApic::set_deadline_ns(std::optional<int64_t> when) {
    core_.set_deadline(when);
    core_.advance(now_ns());
    settle();
}

bool LocalApic::matches(ApicDestinationMode mode, uint8_t destination) const {
    return core_.matches(mode, destination);
}

bool LocalApic::takes_interrupts() const {
    return core_.globally_enabled() && core_.software_enabled();
}

bool LocalApic::receive(const ApicMessage& message) {
    const bool accepted = core_.receive(message);
    settle();
    return accepted;
}

void LocalApic::reset() {
    core_.reset();
    if (base_changed_) base_changed_();
    settle();
}

void LocalApic::restore(const LocalApicCore::State& state) {
    core_.restore(state);
    intr_ = core_.intr();
    // The processor's own state does not carry the line.
    cpu_.set_interrupt_line(intr_);
    if (base_changed_) base_changed_();
    earliest_ns_ = 0;
    arm_timer();
}

}  // namespace qc::hw
