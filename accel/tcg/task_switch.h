// SPDX-License-Identifier: GPL-2.0-or-later
//
// Hardware task switches. Source: Intel SDM vol. 3, 7.3.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"
#include "target/i386/descriptor.h"

namespace qc::accel::tcg {

enum class TaskSwitch : uint8_t {
    kJump,
    kCall,  // also by interrupt: the new task is nested in the old one
    kReturn,
};

// `tss` is the descriptor that `selector` names; type and presence were checked.
// `next_ip` is where the old task will go on. Errors before the new task's registers
// are loaded leave the old task as it is; later ones belong to the new task.
bool switch_task(Cpu& cpu, uint16_t selector, const i386::Descriptor& tss, TaskSwitch kind,
                 uint64_t next_ip);

}  // namespace qc::accel::tcg
