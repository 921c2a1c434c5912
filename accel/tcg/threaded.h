// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes handlers of instruction bodies. A body is `void f(Cpu&, const Op&)` if it
// cannot fail, else `bool f(...)`, false meaning that it raised an exception and
// changed nothing. A handler ends by jumping into the next op's, so that the host
// sees one indirect jump for each instruction it predicts.
//
// Threading: the vCPU's thread.
#pragma once

#include <type_traits>

#include "accel/tcg/cpu.h"
#include "accel/tcg/op.h"

namespace qc::accel::tcg {

template <auto kBody>
[[gnu::always_inline]] inline bool run_body(Cpu& cpu, const Op* op) {
    if constexpr (std::is_void_v<decltype(kBody(cpu, *op))>) {
        kBody(cpu, *op);
        return true;
    } else {
        if (kBody(cpu, *op)) [[likely]]
            return true;
        cpu.stopped_at = op;
        return false;
    }
}

// Goes on with the next instruction of the block.
template <auto kBody>
void go_on(Cpu& cpu, const Op* op) {
    if (!run_body<kBody>(cpu, op)) [[unlikely]]
        return;
    return op[1].handler(cpu, op + 1);
}

// The same for bodies that write memory or ports: those may hit code, or bring a
// request that is to be served before the next instruction.
template <auto kBody>
void go_on_after_store(Cpu& cpu, const Op* op) {
    if (!run_body<kBody>(cpu, op)) [[unlikely]]
        return;
    if (cpu.break_after) [[unlikely]] {
        cpu.rip = cpu.ip_after(*op);
        return;
    }
    return op[1].handler(cpu, op + 1);
}

// The last of its block; execution goes on behind it.
template <auto kBody>
void leave(Cpu& cpu, const Op* op) {
    if (run_body<kBody>(cpu, op)) cpu.rip = cpu.ip_after(*op);
}

// The last of its block; the body sets cpu.rip.
template <auto kBody>
void branch(Cpu& cpu, const Op* op) {
    run_body<kBody>(cpu, op);
}

// Calls `choose.template operator()<T>()` with the type of an operand.
template <typename Choose>
Handler by_size(unsigned bytes, Choose choose) {
    switch (bytes) {
        case 1: return choose.template operator()<uint8_t>();
        case 2: return choose.template operator()<uint16_t>();
        case 4: return choose.template operator()<uint32_t>();
        default: return choose.template operator()<uint64_t>();
    }
}
// For instructions without a byte form.
template <typename Choose>
Handler by_wide_size(unsigned bytes, Choose choose) {
    switch (bytes) {
        case 2: return choose.template operator()<uint16_t>();
        case 4: return choose.template operator()<uint32_t>();
        default: return choose.template operator()<uint64_t>();
    }
}

}  // namespace qc::accel::tcg
