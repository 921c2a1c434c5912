// SPDX-License-Identifier: GPL-2.0-or-later
//
// The pins between a processor and the rest of the machine, in both directions.
#pragma once

#include <cstdint>
#include <optional>

namespace qc::hw {

// A processor as interrupt controllers and chipset see it. Each accelerator's
// vCPU implements it.
//
// Threading: thread-safe, never blocks: it notes the request and kicks the vCPU.
class CpuPort {
 public:
    virtual ~CpuPort() = default;
    // The level of INTR: some vector is waiting in the CPU's ApicPort.
    virtual void set_interrupt_line(bool level) = 0;
    virtual void raise_nmi() = 0;
    virtual void raise_smi() = 0;
    virtual void raise_init() = 0;
    virtual void raise_startup(uint8_t vector) = 0;
    // A20 gate: while masked, bit 20 of every physical address is zero.
    virtual void set_a20_enabled(bool enabled) = 0;
};

// A local APIC (with the 8259 pair behind it) as its processor sees it.
//
// Threading: machine lock.
class ApicPort {
 public:
    virtual ~ApicPort() = default;
    // The interrupt acknowledge cycle: the vector to deliver, or nothing if the
    // request has gone away meanwhile. After it the INTR level is up to date.
    virtual std::optional<uint8_t> acknowledge_interrupt() = 0;
    virtual uint64_t apic_base() const = 0;
    // IA32_APIC_BASE. False if the value is not allowed (#GP).
    virtual bool set_apic_base(uint64_t value) = 0;
    // CR8: the upper four bits of the task priority register.
    virtual uint8_t task_priority_class() const = 0;
    virtual void set_task_priority_class(uint8_t priority) = 0;
    // The processor itself took an INIT: the APIC's part of it.
    virtual void cpu_init_reset() = 0;

    // TSC-deadline mode of the timer. Offered once, before the first run, by a processor
    // whose model has it. The deadline is on the virtual clock; it is no part of the
    // APIC's state: the processor, which keeps the MSR, gives it again after a load.
    virtual void offer_tsc_deadline() {}
    // Nothing: disarms. Ignored while the timer is in another mode.
    virtual void set_deadline_ns(std::optional<int64_t> /*when*/) {}
    // A deadline is set and has not been reached.
    virtual bool deadline_pending() const { return false; }
};

}  // namespace qc::hw
