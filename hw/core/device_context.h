// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a board gives each of its devices at construction. All of it outlives
// the devices.
#pragma once

#include "memory/address_space.h"
#include "util/machine_lock.h"
#include "util/timer.h"

namespace qc::hw {

struct DeviceContext {
    MachineLock& lock;
    TimerQueue& virtual_timers;  // stands still while the VM is stopped
    TimerQueue& host_timers;     // wall time, for the real-time clock
    memory::AddressSpace& memory;
    memory::AddressSpace& io;
    // The tree whose flat view is `io`: devices on fixed ports add themselves here.
    memory::MemoryRegion& io_root;
};

}  // namespace qc::hw
