// SPDX-License-Identifier: GPL-2.0-or-later
//
// What every machine has before its first device: the machine lock, clocks and
// their timers, RAM and address spaces, the registry of state.
//
// Threading: constructed and destroyed on the main thread; the members say who
// may use them. Owned by system::Machine.
#pragma once

#include <memory>

#include "hw/core/device_context.h"
#include "memory/address_space.h"
#include "memory/memory_region.h"
#include "memory/ram_list.h"
#include "state/component_of.h"
#include "state/registry.h"
#include "util/clock.h"
#include "util/event/event_loop.h"
#include "util/machine_lock.h"
#include "util/timer.h"

namespace qc::system {

// The virtual clock's reading: it is saved first and committed first, because
// devices derive their timers from it.
struct ClockState {
    int64_t virtual_ns = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("virtual_ns", s.virtual_ns);
    }
};

class MachineCore {
 public:
    static Result<std::unique_ptr<MachineCore>> create(EventLoop& loop);

    // After the virtual clock was started, stopped or set.
    void clock_changed();
    // Where the virtual clock moves by commands only: whether its timers run.
    void let_timers_run(bool run);
    hw::DeviceContext device_context();

    // For the clock's state component.
    ClockState save() const { return {.virtual_ns = virtual_clock.now_ns()}; }
    Result<void> validate(const ClockState& state) const;
    void restore(const ClockState& state);

    MachineLock lock;
    HostClock host_clock;
    VirtualClock virtual_clock;
    TimerQueue virtual_timers{virtual_clock};
    TimerQueue host_timers{host_clock};
    memory::RamList ram;
    memory::MemoryRegion memory_root = memory::MemoryRegion::container("system", 0);
    memory::MemoryRegion io_root = memory::MemoryRegion::container("io", 0x10000);
    memory::AddressSpace memory{memory_root};
    memory::AddressSpace io{io_root};
    state::Registry registry;

 private:
    MachineCore() = default;

    bool timers_run_ = false;  // though the clock stands still between two steps
    state::ComponentOf<MachineCore, ClockState> clock_component_{{.name = "timer"}, *this};
    std::unique_ptr<EventLoop::TimerDriver> virtual_driver_;
    std::unique_ptr<EventLoop::TimerDriver> host_driver_;
};

}  // namespace qc::system
