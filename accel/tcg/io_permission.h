// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who may use I/O ports: IOPL and the bitmap in the task state segment. Source:
// Intel SDM vol. 1, chapter 18.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

// False with #GP(0) raised if the present program may not access these ports.
bool check_port_permission(Cpu& cpu, uint16_t port, unsigned size);

}  // namespace qc::accel::tcg
