// SPDX-License-Identifier: GPL-2.0-or-later
//
// Delivery of interrupts and exceptions, and the way back. Source: Intel SDM vol.
// 3, chapter 6 (6.14 for long mode) and 20.3 (virtual-8086 mode); vol. 2, INT n and
// IRET.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

enum class EventSource : uint8_t {
    kFault,     // RIP is the instruction's that failed
    kTrap,      // a #DB after an instruction
    kExternal,  // INTR or NMI
    kSoftware,  // INT n, INT3, INTO
    kIcebp,     // INT1: software, but without privilege check
};

struct Event {
    uint8_t vector = 0;
    EventSource source = EventSource::kExternal;
    bool has_error = false;
    uint32_t error = 0;
};

// Enters the handler; cpu.rip, where the interrupted program will go on, becomes the
// handler's first instruction. On false an exception was raised, nothing changed.
bool deliver_event(Cpu& cpu, const Event& event);

// Delivers the exception that was raised, and whatever follows from doing that: a
// second exception, a double fault. A triple fault asks the machine for a reset and
// halts the processor.
void deliver_exception(Cpu& cpu);
// An interrupt, NMI or debug trap between two instructions, and what follows from it.
void deliver_between_instructions(Cpu& cpu, const Event& event);

// IRET; `size` is the operands', 2, 4 or 8.
bool interrupt_return(Cpu& cpu, unsigned size, uint64_t next_ip);

// Stack pointer and segment for `level` from the present task's state segment.
bool stack_from_tss(Cpu& cpu, unsigned level, uint32_t error_bits, uint16_t& ss, uint32_t& esp);
// The same in long mode; and the stacks that interrupt gates choose, 1 to 7.
bool level_stack_from_tss64(Cpu& cpu, unsigned level, uint32_t error_bits, uint64_t& rsp);
bool interrupt_stack_from_tss64(Cpu& cpu, unsigned number, uint32_t error_bits, uint64_t& rsp);

}  // namespace qc::accel::tcg
