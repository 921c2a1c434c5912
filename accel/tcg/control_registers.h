// SPDX-License-Identifier: GPL-2.0-or-later
//
// Control and debug registers with their rules. Source: Intel SDM vol. 3, 2.5 and
// 17.2. On false an exception was raised and nothing changed.
//
// Threading: the vCPU's thread. CR8 takes the machine lock.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

bool read_control(Cpu& cpu, unsigned number, uint64_t& value);
bool write_control(Cpu& cpu, unsigned number, uint64_t value);
bool write_cr0(Cpu& cpu, uint64_t value);
bool read_debug(Cpu& cpu, unsigned number, uint64_t& value);
bool write_debug(Cpu& cpu, unsigned number, uint64_t value);

}  // namespace qc::accel::tcg
