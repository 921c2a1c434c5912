// SPDX-License-Identifier: GPL-2.0-or-later
//
// Control transfers that load CS: far JMP, CALL and RET, through gates and to tasks
// too. Source: Intel SDM vol. 3, 5.8; vol. 2. `size` is the operand size, 2, 4 or 8.
// On success cpu.rip is the target.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

bool far_jump(Cpu& cpu, uint16_t selector, uint64_t offset, unsigned size, uint64_t next_ip);
bool far_call(Cpu& cpu, uint16_t selector, uint64_t offset, unsigned size, uint64_t next_ip);
bool far_return(Cpu& cpu, unsigned size, uint32_t discard);

}  // namespace qc::accel::tcg
