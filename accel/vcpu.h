// SPDX-License-Identifier: GPL-2.0-or-later
//
// One virtual processor as its thread and the run control see it. run() executes
// guest code until something outside is wanted.
//
// Threading: run() and wait_for_event() belong to the vCPU's thread and are called
// without the machine lock (they take it for device accesses). kick() and the
// CpuPort functions are thread-safe. reset() and the state component are used
// while the vCPU is paused, under the machine lock.
#pragma once

#include <atomic>
#include <thread>

#include "hw/core/cpu_port.h"
#include "hw/core/float_error_pin.h"
#include "hw/core/processor_start.h"
#include "state/state_component.h"

namespace qc::accel {

enum class VcpuExit : uint8_t {
    kKicked,         // kick() was called
    kHalted,         // HLT, or waiting for a start-up IPI
    kInternalError,  // reported already; the VM must stop
};

class Vcpu : public hw::CpuPort {
 public:
    // The APIC in front of this vCPU. Called once, before the first run(). Not
    // called for vCPUs whose irqchip lives in the host kernel.
    virtual void connect_apic(hw::ApicPort& apic) = 0;
    // For accelerators that tell of x87 exceptions while CR0.NE is clear: KVM keeps that bit
    // set for itself. Called once at most, before the first run().
    virtual void connect_float_error(hw::FloatErrorPin&) {}

    virtual VcpuExit run() = 0;
    // After kHalted: returns when an interrupt that would wake the CPU is pending,
    // or kick() was called.
    virtual void wait_for_event() = 0;
    // Makes run() or wait_for_event() return soon, also if called just before.
    virtual void kick() = 0;

    // The state after RESET (Intel SDM vol. 3, "Processor state after reset").
    virtual void reset() = 0;
    // After reset(), in a machine without firmware: what that would have done.
    virtual void start_from(const hw::ProcessorStart& start) = 0;
    virtual state::StateComponent& state() = 0;
    // The calling thread will execute this vCPU. Before its thread_started().
    void set_thread_here() { thread_.store(std::this_thread::get_id()); }
    // Whether an access that a device serves right now may be this vCPU's.
    bool runs_here() const {
        return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
    }
    // The vCPU thread calls these at its start and end.
    virtual Result<void> thread_started() = 0;
    virtual void thread_ending() = 0;

 private:
    std::atomic<std::thread::id> thread_{};
};

}  // namespace qc::accel
