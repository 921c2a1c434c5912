// SPDX-License-Identifier: GPL-2.0-or-later
//
// PUSH and POP as instructions do them: `Sp` is the width of the stack pointer.
// What delivers interrupts and follows gates uses Stack (segmentation.h).
//
// Threading: the vCPU's thread.
#pragma once

#include "accel/tcg/access.h"
#include "accel/tcg/insn.h"

namespace qc::accel::tcg {

template <typename T, typename Sp>
[[gnu::always_inline]] inline bool push(Cpu& cpu, T value) {
    auto sp = static_cast<Sp>(cpu.gpr[i386::kRsp] - sizeof(T));
    if (!store<T>(cpu, i386::kSs, sp, value)) return false;
    set_gpr<Sp>(cpu, i386::kRsp, sp);
    return true;
}

// Does not move the pointer: that is for when nothing can fail any more.
template <typename T, typename Sp>
[[gnu::always_inline]] inline bool peek(Cpu& cpu, T& value) {
    return load<T>(cpu, i386::kSs, static_cast<Sp>(cpu.gpr[i386::kRsp]), value);
}
template <typename Sp>
[[gnu::always_inline]] inline void move_stack(Cpu& cpu, uint64_t distance) {
    set_gpr<Sp>(cpu, i386::kRsp, static_cast<Sp>(cpu.gpr[i386::kRsp] + distance));
}

// Calls `choose.template operator()<T, Sp>()` for the operand size and stack width.
template <typename Choose>
Handler by_stack(const Insn& insn, unsigned bytes, Choose choose) {
    if ((insn.mode & kModeCode64) != 0) {
        return bytes == 2 ? choose.template operator()<uint16_t, uint64_t>()
                          : choose.template operator()<uint64_t, uint64_t>();
    }
    if ((insn.mode & kModeStack32) != 0) {
        return bytes == 2 ? choose.template operator()<uint16_t, uint32_t>()
                          : choose.template operator()<uint32_t, uint32_t>();
    }
    return bytes == 2 ? choose.template operator()<uint16_t, uint16_t>()
                      : choose.template operator()<uint32_t, uint16_t>();
}

}  // namespace qc::accel::tcg
