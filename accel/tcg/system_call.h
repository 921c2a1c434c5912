// SPDX-License-Identifier: GPL-2.0-or-later
//
// The fast ways into a kernel and back: SYSCALL and SYSRET, SYSENTER and SYSEXIT. They
// load CS and SS with flat segments made of nothing but a selector. Source: AMD APM
// vol. 2, 6.1 and vol. 3; Intel SDM vol. 2. On success cpu.rip is the target.
//
// Processors by AMD know SYSCALL in every mode and SYSENTER only outside of long mode,
// those by Intel SYSCALL only in 64-bit mode and SYSENTER everywhere: here the model's
// vendor decides. SYSRET to an address that is not canonical faults before it leaves
// the kernel, so that RIP is always one that a state may have.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

bool system_call(Cpu& cpu, uint64_t next_ip);
// `size`: of the operands; 8 returns to 64-bit code.
bool system_return(Cpu& cpu, unsigned size);
bool system_enter(Cpu& cpu);
bool system_exit(Cpu& cpu, unsigned size);

}  // namespace qc::accel::tcg
