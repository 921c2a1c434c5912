// SPDX-License-Identifier: GPL-2.0-or-later
//
// RDMSR and WRMSR. Source: Intel SDM vol. 4; AMD APM vol. 2, appendix A. An index
// that the model does not have is #GP.
//
// Threading: the vCPU's thread. Takes the machine lock for the APIC's base.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

// False with #GP(0) raised.
bool read_msr(Cpu& cpu, uint32_t index, uint64_t& value);
bool write_msr(Cpu& cpu, uint32_t index, uint64_t value);

// Gives the APIC the deadline in the MSR as the TSC goes now. Under the machine lock.
void arm_deadline(Cpu& cpu);

}  // namespace qc::accel::tcg
