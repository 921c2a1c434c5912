// SPDX-License-Identifier: GPL-2.0-or-later
//
// The debug registers' breakpoints. Source: Intel SDM vol. 3, 17.2.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"
#include "accel/tcg/mmu.h"

namespace qc::accel::tcg {

// Sets the watch_ flags from DR7 and CR4. Part of update_mode().
void update_watchpoints(Cpu& cpu);

// Notes a trap in DR6 if a data breakpoint covers the access.
void note_data_access(Cpu& cpu, uint64_t linear, unsigned size, Access access);
// The same for I/O ports (CR4.DE).
void note_port_access(Cpu& cpu, uint16_t port, unsigned size);

// True if an instruction breakpoint is set at `linear`; DR6 is set then.
bool code_breakpoint_hit(Cpu& cpu, uint64_t linear);

}  // namespace qc::accel::tcg
