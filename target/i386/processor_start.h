// SPDX-License-Identifier: GPL-2.0-or-later
//
// Brings a processor from its state after RESET to where firmware hands it over. Sources:
// Intel SDM vol. 3, 10.9.1 (protected mode) and 12.11 (MTRRs); "x86/HVM direct boot ABI"
// of Xen; Multiboot Specification 0.6.96, 3.2.
//
// Threading: pure function on plain values.
#pragma once

#include "hw/core/processor_start.h"
#include "target/i386/cpu_model.h"
#include "target/i386/cpu_state.h"

namespace qc::i386 {

void apply_start(CpuState& state, const CpuModel& model, const hw::ProcessorStart& start);

}  // namespace qc::i386
