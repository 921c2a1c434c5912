// SPDX-License-Identifier: GPL-2.0-or-later
//
// PUSH POP (general registers, memory, immediates) PUSHA POPA ENTER LEAVE.
#include <Zydis/Mnemonic.h>

#include "accel/tcg/insn.h"
#include "accel/tcg/stack_access.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

template <typename T, typename Sp>
bool push_reg(Cpu& cpu, const Op& op) {
    return push<T, Sp>(cpu, get_reg<T>(cpu, op.dst));
}
template <typename T, typename Sp>
bool push_imm(Cpu& cpu, const Op& op) {
    return push<T, Sp>(cpu, static_cast<T>(op.imm));
}
template <typename T, typename Sp>
bool push_mem(Cpu& cpu, const Op& op) {
    T value;
    return load_operand<T>(cpu, op, value) && push<T, Sp>(cpu, value);
}

// POP rSP: the pointer moves first, then takes the value.
template <typename T, typename Sp>
bool pop_reg(Cpu& cpu, const Op& op) {
    T value;
    if (!peek<T, Sp>(cpu, value)) return false;
    move_stack<Sp>(cpu, sizeof(T));
    set_reg<T>(cpu, op.dst, value);
    return true;
}
// An address built on rSP uses the pointer after the pop.
template <typename T, typename Sp>
bool pop_mem(Cpu& cpu, const Op& op) {
    T value;
    if (!peek<T, Sp>(cpu, value)) return false;
    uint64_t before = cpu.gpr[i386::kRsp];
    move_stack<Sp>(cpu, sizeof(T));
    if (store_operand<T>(cpu, op, value)) return true;
    cpu.gpr[i386::kRsp] = before;
    return false;
}

// Writes all eight or raises; a fault half-way leaves rSP as it was.
template <typename T, typename Sp>
bool pusha(Cpu& cpu, const Op&) {
    for (unsigned i = 0; i < 8; ++i) {
        auto at = static_cast<Sp>(cpu.gpr[i386::kRsp] - (i + 1) * sizeof(T));
        if (!store<T>(cpu, i386::kSs, at, gpr<T>(cpu, i))) return false;
    }
    move_stack<Sp>(cpu, uint64_t{0} - 8 * sizeof(T));
    return true;
}
template <typename T, typename Sp>
bool popa(Cpu& cpu, const Op&) {
    T values[8];
    for (unsigned i = 0; i < 8; ++i) {
        auto at = static_cast<Sp>(cpu.gpr[i386::kRsp] + i * sizeof(T));
        if (!load<T>(cpu, i386::kSs, at, values[7 - i])) return false;
    }
    for (unsigned i = 0; i < 8; ++i) {
        if (i != i386::kRsp) set_gpr<T>(cpu, i, values[i]);
    }
    move_stack<Sp>(cpu, 8 * sizeof(T));
    return true;
}

// imm: bytes of the frame; extra: nesting level.
template <typename T, typename Sp>
bool enter(Cpu& cpu, const Op& op) {
    unsigned level = op.extra % 32;
    uint64_t sp = cpu.gpr[i386::kRsp];
    uint64_t bp = cpu.gpr[i386::kRbp];
    auto push_at = [&](T value) {
        sp -= sizeof(T);
        return store<T>(cpu, i386::kSs, static_cast<Sp>(sp), value);
    };
    if (!push_at(static_cast<T>(bp))) return false;
    T frame = static_cast<T>(sp);
    for (unsigned i = 1; i < level; ++i) {
        bp -= sizeof(T);
        T outer;
        if (!load<T>(cpu, i386::kSs, static_cast<Sp>(bp), outer) || !push_at(outer)) return false;
    }
    if (level > 0 && !push_at(frame)) return false;
    sp -= static_cast<uint16_t>(op.imm);
    // The new top must be writable, though nothing is written there.
    T probe;
    if (!load_for_update_slow(cpu, i386::kSs, static_cast<Sp>(sp), &probe, sizeof(T))) return false;
    set_gpr<T>(cpu, i386::kRbp, frame);
    set_gpr<Sp>(cpu, i386::kRsp, static_cast<Sp>(sp));
    return true;
}

template <typename T, typename Sp>
bool leave_frame(Cpu& cpu, const Op&) {
    auto bp = static_cast<Sp>(cpu.gpr[i386::kRbp]);
    T value;
    if (!load<T>(cpu, i386::kSs, bp, value)) return false;
    set_gpr<Sp>(cpu, i386::kRsp, static_cast<Sp>(bp + sizeof(T)));
    set_gpr<T>(cpu, i386::kRbp, value);
    return true;
}

Selected select_push(const Insn& insn, Op& op) {
    Kind kind = insn.kind(0);
    if (kind != Kind::kGpr && kind != Kind::kImmediate && kind != Kind::kMemory) {
        return Selected::kNo;
    }
    op.handler = by_stack(insn, insn.operand_bytes, [&]<typename T, typename Sp>() -> Handler {
        if (kind == Kind::kGpr) return go_on_after_store<push_reg<T, Sp>>;
        return kind == Kind::kImmediate ? go_on_after_store<push_imm<T, Sp>>
                                        : go_on_after_store<push_mem<T, Sp>>;
    });
    return Selected::kYes;
}

Selected select_pop(const Insn& insn, Op& op) {
    Kind kind = insn.kind(0);
    if (kind != Kind::kGpr && kind != Kind::kMemory) return Selected::kNo;
    op.handler = by_stack(insn, insn.operand_bytes, [&]<typename T, typename Sp>() -> Handler {
        return kind == Kind::kGpr ? go_on<pop_reg<T, Sp>> : go_on_after_store<pop_mem<T, Sp>>;
    });
    return Selected::kYes;
}

}  // namespace

Selected select_stack(const Insn& insn, Op& op) {
    auto stack = [&](auto choose) { return by_stack(insn, insn.operand_bytes, choose); };
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_PUSH: return select_push(insn, op);
        case ZYDIS_MNEMONIC_POP: return select_pop(insn, op);
        case ZYDIS_MNEMONIC_PUSHA:
        case ZYDIS_MNEMONIC_PUSHAD:
            op.handler = stack([]<typename T, typename Sp>() -> Handler {
                return go_on_after_store<pusha<T, Sp>>;
            });
            return Selected::kYes;
        case ZYDIS_MNEMONIC_POPA:
        case ZYDIS_MNEMONIC_POPAD:
            op.handler =
                stack([]<typename T, typename Sp>() -> Handler { return go_on<popa<T, Sp>>; });
            return Selected::kYes;
        case ZYDIS_MNEMONIC_ENTER:
            op.handler = stack([]<typename T, typename Sp>() -> Handler {
                return go_on_after_store<enter<T, Sp>>;
            });
            return Selected::kYes;
        case ZYDIS_MNEMONIC_LEAVE:
            op.handler = stack(
                []<typename T, typename Sp>() -> Handler { return go_on<leave_frame<T, Sp>>; });
            return Selected::kYes;
        default: return Selected::kNo;
    }
}

}  // namespace qc::accel::tcg
