// SPDX-License-Identifier: GPL-2.0-or-later
//
// How guest code runs. `tcg` (our emulator) and `kvm` implement this; the table
// of accelerators is in accel/accelerators.cc. The machine tries those that the
// user named in order until one starts.
//
// Threading: main thread, except where a member says otherwise.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "accel/vcpu.h"
#include "hw/core/machine_port.h"
#include "memory/address_space.h"
#include "memory/dirty_log.h"
#include "memory/ram_list.h"
#include "util/clock.h"
#include "util/machine_lock.h"
#include "util/result.h"

namespace qc::i386 {
struct CpuModel;
struct CpuSupport;
}  // namespace qc::i386

namespace qc::hw {
class KernelIrqchip;
}

namespace qc::accel {

// What an accelerator needs from the machine; all of it outlives it.
struct AcceleratorDeps {
    MachineLock& lock;
    memory::RamList& ram;
    memory::AddressSpace& memory;
    memory::AddressSpace& io;
    hw::MachinePort& machine;
    const Clock& virtual_clock;
};

class Accelerator {
 public:
    virtual ~Accelerator() = default;
    virtual std::string_view name() const = 0;

    // What its processors can show: choose_cpu_model() filters by it.
    virtual i386::CpuSupport cpu_support() const = 0;

    // Called after the board built its memory: maps RAM, subscribes to changes.
    virtual Result<void> attach_memory() = 0;
    virtual Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned index,
                                                      const i386::CpuModel& model) = 0;
    virtual memory::DirtyLog& dirty_log() = 0;

    // Under the machine lock with every vCPU paused, after the virtual clock was
    // stopped or started: clocks that the accelerator keeps for the guest.
    virtual void guest_time_stopped() {}
    virtual void guest_time_starting() {}

    // False: the virtual clock is never started, and moves when it is set (qtest).
    virtual bool guest_time_passes() const { return true; }

    // State of the VM as a whole, beside its vCPUs' and its irqchip's.
    virtual std::vector<state::StateComponent*> state_components() { return {}; }
    // False: the firmware must be told not to use system management mode.
    virtual bool supports_smm() const { return true; }

    // The interrupt controllers and the PIT if the host kernel emulates them, else
    // null: then the board builds its own.
    virtual hw::KernelIrqchip* kernel_irqchip() = 0;
};

}  // namespace qc::accel
