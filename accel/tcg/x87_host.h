// SPDX-License-Identifier: GPL-2.0-or-later
//
// Executes one x87 instruction on the host's FPU: the guest's registers and control word
// are loaded, the very instruction runs, and they are saved again. So every result,
// condition code and tag is the processor's own, with exceptions masked or not: an unmasked
// one does no more than wait for the next x87 instruction, which is FNINIT.
//
// Threading: pure, but for the state it is given.
#pragma once

#include <cstdint>

#include "accel/tcg/fpu_state.h"

namespace qc::accel::tcg {

// `opcode` is D8 to DF. For a register form (modrm C0 to FF) `operand` is unused; for
// a memory form only the reg field of `modrm` counts, and `operand` holds, or
// receives, the operand. `flags` are ZF, PF and CF before and after.
//
// In the state's status word the exceptions of this instruction alone are set when it
// returns; condition codes and TOP are as always.
void execute_on_host(FpuState& fpu, uint8_t opcode, uint8_t modrm, void* operand, uint64_t& flags);

}  // namespace qc::accel::tcg
