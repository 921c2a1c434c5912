// SPDX-License-Identifier: GPL-2.0-or-later
//
// Between the interpreter's layout of a processor and the one that migrates. What
// is atomic or belongs to other threads (pending NMI, INIT, A20) is TcgVcpu's part.
//
// Threading: the vCPU is paused; machine lock.
#pragma once

#include "accel/tcg/cpu.h"
#include "target/i386/cpu_state.h"

namespace qc::accel::tcg {

void save_registers(const Cpu& cpu, i386::CpuState& state);
// Sets everything; the caller then makes the engine forget what it knew.
void load_registers(Cpu& cpu, const i386::CpuState& state);

}  // namespace qc::accel::tcg
