// SPDX-License-Identifier: GPL-2.0-or-later
//
// Moves between XMM and MMX registers, general registers and memory: MOVAPS, MOVDQU and
// the like, MOVSS, MOVSD, MOVD, MOVQ, halves, non-temporal and masked stores.
#include "accel/tcg/simd.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

// Whole registers.
bool move_register(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    xmm(cpu, op.dst) = xmm(cpu, op.src);
    return true;
}
template <bool kAligned>
bool load_whole(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    if (kAligned && !operand_aligned(cpu, op)) return false;
    return load_operand<Xmm>(cpu, op, xmm(cpu, op.dst));
}
template <bool kAligned>
bool store_whole(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    if (kAligned && !operand_aligned(cpu, op)) return false;
    return store_operand<Xmm>(cpu, op, xmm(cpu, op.src));
}

// Element 0 (T is its type), or with kUpper the upper half. A load from memory clears
// what is above element 0, a move between registers keeps it, but for MOVQ.
template <typename T>
bool load_low(Cpu& cpu, const Op& op) {
    return sse_ready(cpu) && load_source<sizeof(T)>(cpu, op, xmm(cpu, op.dst));
}
template <typename T>
bool store_low(Cpu& cpu, const Op& op) {
    return sse_ready(cpu) && store_operand<T>(cpu, op, element<T>(xmm(cpu, op.src), 0));
}
template <typename T>
bool merge_low(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    set_element<T>(xmm(cpu, op.dst), 0, element<T>(xmm(cpu, op.src), 0));
    return true;
}
bool movq_register(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    xmm(cpu, op.dst) = {.low = xmm(cpu, op.src).low, .high = 0};
    return true;
}

// One half of a register, the other keeps its value.
template <unsigned kHalf>
bool load_half(Cpu& cpu, const Op& op) {
    uint64_t value;
    if (!sse_ready(cpu) || !load_operand<uint64_t>(cpu, op, value)) return false;
    set_element<uint64_t>(xmm(cpu, op.dst), kHalf, value);
    return true;
}
template <unsigned kHalf>
bool store_half(Cpu& cpu, const Op& op) {
    return sse_ready(cpu) &&
           store_operand<uint64_t>(cpu, op, element<uint64_t>(xmm(cpu, op.src), kHalf));
}
template <unsigned kTo, unsigned kFrom>
bool move_half(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    set_element<uint64_t>(xmm(cpu, op.dst), kTo, element<uint64_t>(xmm(cpu, op.src), kFrom));
    return true;
}

// General registers.
template <typename T>
bool gpr_to_xmm(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    xmm(cpu, op.dst) = {.low = get_reg<T>(cpu, op.src), .high = 0};
    return true;
}
template <typename T>
bool xmm_to_gpr(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    set_reg<T>(cpu, op.dst, element<T>(xmm(cpu, op.src), 0));
    return true;
}

// MMX.
bool begin_mmx(Cpu& cpu) {
    if (!mmx_ready(cpu)) return false;
    cpu.fpu.enter_mmx();
    return true;
}
bool mmx_to_mmx(Cpu& cpu, const Op& op) {
    if (!begin_mmx(cpu)) return false;
    set_mmx(cpu, op.dst, mmx(cpu, op.src).value);
    return true;
}
template <typename T>
bool load_mmx(Cpu& cpu, const Op& op) {
    T value;
    if (!mmx_ready(cpu) || !load_operand<T>(cpu, op, value)) return false;
    cpu.fpu.enter_mmx();
    set_mmx(cpu, op.dst, value);
    return true;
}
template <typename T>
bool store_mmx(Cpu& cpu, const Op& op) {
    if (!mmx_ready(cpu)) return false;
    T value = static_cast<T>(cpu.fpu.mmx_value(op.src));
    if (!store_operand<T>(cpu, op, value)) return false;
    cpu.fpu.enter_mmx();
    return true;
}
template <typename T>
bool gpr_to_mmx(Cpu& cpu, const Op& op) {
    if (!begin_mmx(cpu)) return false;
    set_mmx(cpu, op.dst, get_reg<T>(cpu, op.src));
    return true;
}
template <typename T>
bool mmx_to_gpr(Cpu& cpu, const Op& op) {
    if (!begin_mmx(cpu)) return false;
    set_reg<T>(cpu, op.dst, static_cast<T>(mmx(cpu, op.src).value));
    return true;
}
bool movdq2q(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu) || !begin_mmx(cpu)) return false;
    set_mmx(cpu, op.dst, xmm(cpu, op.src).low);
    return true;
}
bool movq2dq(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu) || !begin_mmx(cpu)) return false;
    xmm(cpu, op.dst) = {.low = mmx(cpu, op.src).value, .high = 0};
    return true;
}

template <typename T>
bool movnti(Cpu& cpu, const Op& op) {
    return store_operand<T>(cpu, op, get_reg<T>(cpu, op.src));
}

// MASKMOVDQU, MASKMOVQ: the bytes whose mask has its top bit set go to DS:rDI. Nothing
// is accessed if there are none, else the whole operand must be writable.
bool store_masked(Cpu& cpu, const Op& op, const uint8_t* data, const uint8_t* mask,
                  unsigned bytes) {
    bool any = false;
    for (unsigned i = 0; i < bytes; ++i)
        any |= (mask[i] & 0x80) != 0;
    if (!any) return true;
    uint64_t linear = 0;
    uint64_t at = cpu.gpr[i386::kRdi] & kAddressMasks[op.address_size];
    if (!segment_to_linear(cpu, op.seg, at, bytes, Access::kWrite, linear) ||
        !probe_store(cpu, linear, bytes, privilege_of(cpu))) {
        return false;
    }
    for (unsigned i = 0; i < bytes; ++i) {
        if ((mask[i] & 0x80) != 0 && !store_slow(cpu, op.seg, at + i, data + i, 1)) return false;
    }
    return true;
}
bool maskmovdqu(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    return store_masked(cpu, op, reinterpret_cast<const uint8_t*>(&xmm(cpu, op.dst)),
                        reinterpret_cast<const uint8_t*>(&xmm(cpu, op.src)), 16);
}
bool maskmovq(Cpu& cpu, const Op& op) {
    if (!mmx_ready(cpu)) return false;
    uint64_t data = cpu.fpu.mmx_value(op.dst);
    uint64_t mask = cpu.fpu.mmx_value(op.src);
    if (!store_masked(cpu, op, reinterpret_cast<const uint8_t*>(&data),
                      reinterpret_cast<const uint8_t*>(&mask), 8)) {
        return false;
    }
    cpu.fpu.enter_mmx();
    return true;
}

template <bool kAligned>
Handler whole_handler(const Insn& insn) {
    if (insn.kind(0) == Kind::kMemory) return go_on_after_store<store_whole<kAligned>>;
    return insn.kind(1) == Kind::kMemory ? go_on<load_whole<kAligned>> : go_on<move_register>;
}

template <unsigned kHalf>
Handler half_handler(const Insn& insn) {
    return insn.kind(0) == Kind::kMemory ? go_on_after_store<store_half<kHalf>>
                                         : go_on<load_half<kHalf>>;
}

// MOVSS, MOVSD.
template <typename T>
Handler scalar_handler(const Insn& insn) {
    if (insn.kind(0) == Kind::kMemory) return go_on_after_store<store_low<T>>;
    return insn.kind(1) == Kind::kMemory ? go_on<load_low<T>> : go_on<merge_low<T>>;
}

// MOVD, MOVQ.
template <typename T>
Handler mov_handler(const Insn& insn) {
    Kind to = insn.kind(0);
    Kind from = insn.kind(1);
    if (to == Kind::kXmm) {
        if (from == Kind::kXmm) return go_on<movq_register>;
        return from == Kind::kGpr ? go_on<gpr_to_xmm<T>> : go_on<load_low<T>>;
    }
    if (to == Kind::kMmx) {
        if (from == Kind::kMmx) return go_on<mmx_to_mmx>;
        return from == Kind::kGpr ? go_on<gpr_to_mmx<T>> : go_on<load_mmx<T>>;
    }
    if (from == Kind::kXmm) {
        return to == Kind::kGpr ? go_on<xmm_to_gpr<T>> : go_on_after_store<store_low<T>>;
    }
    return to == Kind::kGpr ? go_on<mmx_to_gpr<T>> : go_on_after_store<store_mmx<T>>;
}

Handler masked_handler(const Insn& insn, Op& op) {
    op.seg = static_cast<uint8_t>(insn.segment_override >= 0 ? insn.segment_override : i386::kDs);
    return insn.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ ? go_on_after_store<maskmovq>
                                                    : go_on_after_store<maskmovdqu>;
}

Handler move_handler(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_MOVAPS:
        case ZYDIS_MNEMONIC_MOVAPD:
        case ZYDIS_MNEMONIC_MOVDQA:
        case ZYDIS_MNEMONIC_MOVNTPS:
        case ZYDIS_MNEMONIC_MOVNTPD:
        case ZYDIS_MNEMONIC_MOVNTDQ:
        case ZYDIS_MNEMONIC_MOVNTDQA: return whole_handler<true>(insn);
        case ZYDIS_MNEMONIC_MOVUPS:
        case ZYDIS_MNEMONIC_MOVUPD:
        case ZYDIS_MNEMONIC_MOVDQU:
        case ZYDIS_MNEMONIC_LDDQU: return whole_handler<false>(insn);
        case ZYDIS_MNEMONIC_MOVSS: return scalar_handler<uint32_t>(insn);
        case ZYDIS_MNEMONIC_MOVSD: return scalar_handler<uint64_t>(insn);
        case ZYDIS_MNEMONIC_MOVD: return mov_handler<uint32_t>(insn);
        case ZYDIS_MNEMONIC_MOVQ: return mov_handler<uint64_t>(insn);
        case ZYDIS_MNEMONIC_MOVNTQ: return go_on_after_store<store_mmx<uint64_t>>;
        case ZYDIS_MNEMONIC_MOVLPS:
        case ZYDIS_MNEMONIC_MOVLPD: return half_handler<0>(insn);
        case ZYDIS_MNEMONIC_MOVHPS:
        case ZYDIS_MNEMONIC_MOVHPD: return half_handler<1>(insn);
        case ZYDIS_MNEMONIC_MOVHLPS: return go_on<move_half<0, 1>>;
        case ZYDIS_MNEMONIC_MOVLHPS: return go_on<move_half<1, 0>>;
        case ZYDIS_MNEMONIC_MOVDQ2Q: return go_on<movdq2q>;
        case ZYDIS_MNEMONIC_MOVQ2DQ: return go_on<movq2dq>;
        case ZYDIS_MNEMONIC_MOVNTI:
            return insn.operands[1].bytes == 8 ? go_on_after_store<movnti<uint64_t>>
                                               : go_on_after_store<movnti<uint32_t>>;
        case ZYDIS_MNEMONIC_MASKMOVDQU:
        case ZYDIS_MNEMONIC_MASKMOVQ: return masked_handler(insn, op);
        default: return nullptr;
    }
}

}  // namespace

Selected select_sse_move(const Insn& insn, Op& op) {
    Handler handler = move_handler(insn, op);
    if (handler == nullptr) return Selected::kNo;
    op.handler = handler;
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
