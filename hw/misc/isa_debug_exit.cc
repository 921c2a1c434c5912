// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/isa_debug_exit.h"

#include "hw/misc/trace.h"

namespace qc::hw {

IsaDebugExit::IsaDebugExit(const Config& config, const DeviceContext& context, MachinePort& machine)
    : machine_(machine),
      io_root_(context.io_root),
      region_(memory::MemoryRegion::io("isa-debug-exit", config.iosize, *this)) {
    io_root_.add_child(config.iobase, region_);
}

IsaDebugExit::~IsaDebugExit() {
    io_root_.remove_child(region_);
}

// An exit status has eight bits: what does not fit is cut off, as exit() does.
void IsaDebugExit::io_write(uint64_t, unsigned, uint64_t value) {
    trace::debug_exit(value);
    machine_.request_debug_exit(static_cast<uint8_t>(value << 1 | 1));
}

}  // namespace qc::hw
