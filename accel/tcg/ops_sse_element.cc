// SPDX-License-Identifier: GPL-2.0-or-later
//
// Single elements between vector registers and general registers or memory (PEXTRx,
// PINSRx, EXTRACTPS), and sign masks (MOVMSKPx, PMOVMSKB).
#include "accel/tcg/simd.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

template <typename T>
unsigned index_of(const Op& op) {
    return static_cast<unsigned>(op.imm) % (16 / sizeof(T));
}

template <typename T>
bool extract_to_register(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    T value = element<T>(xmm(cpu, op.src), index_of<T>(op));
    if constexpr (sizeof(T) == 8) {
        set_reg<uint64_t>(cpu, op.dst, value);
    } else {
        set_reg<uint32_t>(cpu, op.dst, value);
    }
    return true;
}
template <typename T>
bool extract_to_memory(Cpu& cpu, const Op& op) {
    return sse_ready(cpu) &&
           store_operand<T>(cpu, op, element<T>(xmm(cpu, op.src), index_of<T>(op)));
}
template <typename T>
bool insert_register(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    set_element<T>(xmm(cpu, op.dst), index_of<T>(op), get_reg<T>(cpu, op.src));
    return true;
}
template <typename T>
bool insert_memory(Cpu& cpu, const Op& op) {
    T value;
    if (!sse_ready(cpu) || !load_operand<T>(cpu, op, value)) return false;
    set_element<T>(xmm(cpu, op.dst), index_of<T>(op), value);
    return true;
}

// The top bits of all elements of type T in `x`.
template <typename T>
uint32_t sign_mask(const Xmm& x) {
    uint32_t mask = 0;
    for (unsigned i = 0; i < 16 / sizeof(T); ++i)
        mask |= static_cast<uint32_t>(element<T>(x, i) >> (sizeof(T) * 8 - 1)) << i;
    return mask;
}
template <typename T>
bool move_mask(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    set_reg<uint32_t>(cpu, op.dst, sign_mask<T>(xmm(cpu, op.src)));
    return true;
}
bool move_byte_mask(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    uint32_t mask;
    asm("movdqa %1, %%xmm0\n\tpmovmskb %%xmm0, %0" : "=r"(mask) : "m"(xmm(cpu, op.src)) : "xmm0");
    set_reg<uint32_t>(cpu, op.dst, mask);
    return true;
}

bool mmx_extract(Cpu& cpu, const Op& op) {
    if (!mmx_ready(cpu)) return false;
    cpu.fpu.enter_mmx();
    uint64_t value = mmx(cpu, op.src).value >> ((op.imm & 3) * 16);
    set_reg<uint32_t>(cpu, op.dst, static_cast<uint16_t>(value));
    return true;
}
template <bool kMemory>
bool mmx_insert(Cpu& cpu, const Op& op) {
    if (!mmx_ready(cpu)) return false;
    uint16_t word;
    if constexpr (kMemory) {
        if (!load_operand<uint16_t>(cpu, op, word)) return false;
    } else {
        word = get_reg<uint16_t>(cpu, op.src);
    }
    cpu.fpu.enter_mmx();
    unsigned shift = (op.imm & 3) * 16;
    uint64_t value = mmx(cpu, op.dst).value & ~(uint64_t{0xffff} << shift);
    set_mmx(cpu, op.dst, value | (uint64_t{word} << shift));
    return true;
}
bool mmx_byte_mask(Cpu& cpu, const Op& op) {
    if (!mmx_ready(cpu)) return false;
    cpu.fpu.enter_mmx();
    set_reg<uint32_t>(cpu, op.dst, sign_mask<uint8_t>({.low = mmx(cpu, op.src).value, .high = 0}));
    return true;
}

template <typename T>
Handler extract_handler(const Insn& insn) {
    if (insn.kind(1) == Kind::kMmx) return go_on<mmx_extract>;
    return insn.kind(0) == Kind::kMemory ? go_on_after_store<extract_to_memory<T>>
                                         : go_on<extract_to_register<T>>;
}
template <typename T>
Handler insert_handler(const Insn& insn) {
    bool memory = insn.kind(1) == Kind::kMemory;
    if (insn.kind(0) == Kind::kMmx)
        return memory ? go_on<mmx_insert<true>> : go_on<mmx_insert<false>>;
    return memory ? go_on<insert_memory<T>> : go_on<insert_register<T>>;
}

Handler element_handler(const Insn& insn) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_PEXTRB: return extract_handler<uint8_t>(insn);
        case ZYDIS_MNEMONIC_PEXTRW: return extract_handler<uint16_t>(insn);
        case ZYDIS_MNEMONIC_EXTRACTPS:
        case ZYDIS_MNEMONIC_PEXTRD: return extract_handler<uint32_t>(insn);
        case ZYDIS_MNEMONIC_PEXTRQ: return extract_handler<uint64_t>(insn);
        case ZYDIS_MNEMONIC_PINSRB: return insert_handler<uint8_t>(insn);
        case ZYDIS_MNEMONIC_PINSRW: return insert_handler<uint16_t>(insn);
        case ZYDIS_MNEMONIC_PINSRD: return insert_handler<uint32_t>(insn);
        case ZYDIS_MNEMONIC_PINSRQ: return insert_handler<uint64_t>(insn);
        case ZYDIS_MNEMONIC_MOVMSKPS: return go_on<move_mask<uint32_t>>;
        case ZYDIS_MNEMONIC_MOVMSKPD: return go_on<move_mask<uint64_t>>;
        case ZYDIS_MNEMONIC_PMOVMSKB:
            return insn.kind(1) == Kind::kMmx ? go_on<mmx_byte_mask> : go_on<move_byte_mask>;
        default: return nullptr;
    }
}

}  // namespace

Selected select_sse_element(const Insn& insn, Op& op) {
    Handler handler = element_handler(insn);
    if (handler == nullptr) return Selected::kNo;
    op.handler = handler;
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
