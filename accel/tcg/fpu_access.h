// SPDX-License-Identifier: GPL-2.0-or-later
//
// What x87, MMX and SSE instructions check before they begin, and the accesses to
// memory that are longer than one operand. Sources: Intel SDM vol. 1, 8.7 and 11.5;
// vol. 3, 2.5 and table 13-1.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

inline bool x87_available(Cpu& cpu) {
    constexpr uint64_t kAbsent = i386::cr0::kEm | i386::cr0::kTs;
    return (cpu.cr0 & kAbsent) == 0 || raise(cpu, i386::kDeviceNotAvailable);
}

// An exception is to be settled before the instruction: by #MF, or without CR0.NE by the
// interrupt that FERR# asks for. True if it is to be ignored.
bool settle_x87_error(Cpu& cpu);
// Without CR0.NE, after instructions that may have removed an exception: FERR# follows.
void note_x87_error_gone(Cpu& cpu);

// What an instruction that waits finds first: an exception of one before it.
inline bool x87_settled(Cpu& cpu) {
    return (cpu.fpu.status() & x87_status::kSummary) == 0 || settle_x87_error(cpu);
}

inline bool x87_ready(Cpu& cpu) {
    return x87_available(cpu) && x87_settled(cpu);
}

// With MMX, CR0.EM does not mean that software takes over, but that there is no unit.
inline bool mmx_ready(Cpu& cpu) {
    if ((cpu.cr0 & i386::cr0::kEm) != 0) return raise(cpu, i386::kInvalidOpcode);
    if ((cpu.cr0 & i386::cr0::kTs) != 0) return raise(cpu, i386::kDeviceNotAvailable);
    return x87_settled(cpu);
}

inline bool sse_ready(Cpu& cpu) {
    if ((cpu.cr0 & i386::cr0::kEm) != 0 || (cpu.cr4 & i386::cr4::kOsfxsr) == 0) [[unlikely]] {
        return raise(cpu, i386::kInvalidOpcode);
    }
    if ((cpu.cr0 & i386::cr0::kTs) != 0) [[unlikely]]
        return raise(cpu, i386::kDeviceNotAvailable);
    return true;
}

// Whether the memory operand lies as operands of 16 bytes must.
inline bool operand_aligned(Cpu& cpu, const Op& op) {
    uint64_t linear = cpu.seg[op.seg].base + effective_address(cpu, op);
    return linear % 16 == 0 || raise(cpu, i386::kGeneralProtection, 0);
}

// Several accesses to the memory operand; no store is made if one would fault.
bool store_bytes(Cpu& cpu, const Op& op, const uint8_t* data, unsigned size);
bool load_bytes(Cpu& cpu, const Op& op, uint8_t* data, unsigned size);

}  // namespace qc::accel::tcg
