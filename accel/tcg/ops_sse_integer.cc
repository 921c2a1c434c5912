// SPDX-License-Identifier: GPL-2.0-or-later
//
// Everything from XMM register or memory to XMM register that neither obeys nor changes
// MXCSR: integers, logic (of floating-point names too), shuffles without an immediate.
#include "accel/tcg/simd.h"

namespace qc::accel::tcg {

namespace {

// clang-format off
#define QC_WHOLE(X) \
    /* SSE, SSE2 */ \
    X(ANDPS) X(ANDPD) X(ANDNPS) X(ANDNPD) X(ORPS) X(ORPD) X(XORPS) X(XORPD) X(UNPCKLPS) \
    X(UNPCKLPD) X(UNPCKHPS) X(UNPCKHPD) X(PAND) X(PANDN) X(POR) X(PXOR) X(PADDB) X(PADDW) \
    X(PADDD) X(PADDQ) X(PADDSB) X(PADDSW) X(PADDUSB) X(PADDUSW) X(PSUBB) X(PSUBW) X(PSUBD) \
    X(PSUBQ) X(PSUBSB) X(PSUBSW) X(PSUBUSB) X(PSUBUSW) X(PMULLW) X(PMULHW) X(PMULHUW) \
    X(PMULUDQ) X(PMADDWD) X(PSADBW) X(PAVGB) X(PAVGW) X(PMINUB) X(PMINSW) X(PMAXUB) \
    X(PMAXSW) X(PCMPEQB) X(PCMPEQW) X(PCMPEQD) X(PCMPGTB) X(PCMPGTW) X(PCMPGTD) X(PACKSSWB) \
    X(PACKSSDW) X(PACKUSWB) X(PUNPCKLBW) X(PUNPCKLWD) X(PUNPCKLDQ) X(PUNPCKLQDQ) \
    X(PUNPCKHBW) X(PUNPCKHWD) X(PUNPCKHDQ) X(PUNPCKHQDQ) \
    /* SSE3, SSSE3 */ \
    X(MOVSHDUP) X(MOVSLDUP) X(PABSB) X(PABSW) X(PABSD) X(PHADDW) X(PHADDD) X(PHADDSW) \
    X(PHSUBW) X(PHSUBD) X(PHSUBSW) X(PMADDUBSW) X(PMULHRSW) X(PSHUFB) X(PSIGNB) X(PSIGNW) \
    X(PSIGND) \
    /* SSE4.1, SSE4.2 */ \
    X(PACKUSDW) X(PCMPEQQ) X(PHMINPOSUW) X(PMAXSB) X(PMAXSD) X(PMAXUD) X(PMAXUW) X(PMINSB) \
    X(PMINSD) X(PMINUD) X(PMINUW) X(PMULDQ) X(PMULLD) X(PCMPGTQ)
// clang-format on

// From 8, 4 or 2 bytes.
// clang-format off
#define QC_WIDENING(X) \
    X(MOVDDUP, 8) X(PMOVSXBW, 8) X(PMOVSXBD, 4) X(PMOVSXBQ, 2) X(PMOVSXWD, 8) X(PMOVSXWQ, 4) \
    X(PMOVSXDQ, 8) X(PMOVZXBW, 8) X(PMOVZXBD, 4) X(PMOVZXBQ, 2) X(PMOVZXWD, 8) \
    X(PMOVZXWQ, 4) X(PMOVZXDQ, 8)
// clang-format on

// By a count in a register or in memory; select_shift() adds the forms by an immediate.
#define QC_SHIFTS(X) X(PSLLW) X(PSLLD) X(PSLLQ) X(PSRLW) X(PSRLD) X(PSRLQ) X(PSRAW) X(PSRAD)

#define QC_DEFINE(NAME)                                                          \
    struct NAME {                                                                \
        static void run(Xmm& a, const Xmm& b) {                                  \
            asm("movdqa %0, %%xmm0\n\t" #NAME " %1, %%xmm0\n\tmovdqa %%xmm0, %0" \
                : "+m"(a)                                                        \
                : "m"(b)                                                         \
                : "xmm0");                                                       \
        }                                                                        \
    };
#define QC_DEFINE_SIZED(NAME, BYTES) QC_DEFINE(NAME)
QC_WHOLE(QC_DEFINE)
QC_SHIFTS(QC_DEFINE)
QC_WIDENING(QC_DEFINE_SIZED)

// The selector of variable blends is XMM0.
#define QC_BLENDS(X) X(PBLENDVB) X(BLENDVPS) X(BLENDVPD)
#define QC_DEFINE_BLEND(NAME)                                        \
    struct NAME {                                                    \
        static void run(Xmm& a, const Xmm& b, const Xmm& selector) { \
            asm("movdqa %2, %%xmm0\n\tmovdqa %0, %%xmm1\n\t" #NAME   \
                " %1, %%xmm1\n\tmovdqa %%xmm1, %0"                   \
                : "+m"(a)                                            \
                : "m"(b), "m"(selector)                              \
                : "xmm0", "xmm1");                                   \
        }                                                            \
    };
QC_BLENDS(QC_DEFINE_BLEND)

template <typename Instruction>
bool from_register(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    Instruction::run(xmm(cpu, op.dst), xmm(cpu, op.src));
    return true;
}
template <typename Instruction, unsigned kBytes>
bool from_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu) || !load_source<kBytes>(cpu, op, source)) return false;
    Instruction::run(xmm(cpu, op.dst), source);
    return true;
}

template <typename Instruction>
bool blend_register(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    Instruction::run(xmm(cpu, op.dst), xmm(cpu, op.src), xmm(cpu, 0));
    return true;
}
template <typename Instruction>
bool blend_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu) || !load_source<16>(cpu, op, source)) return false;
    Instruction::run(xmm(cpu, op.dst), source, xmm(cpu, 0));
    return true;
}

template <typename Instruction>
bool shift_by_immediate(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    Xmm count{.low = static_cast<uint8_t>(op.imm), .high = 0};
    Instruction::run(xmm(cpu, op.dst), count);
    return true;
}

#define QC_ENTRY(NAME) \
    {ZYDIS_MNEMONIC_##NAME, go_on<from_register<NAME>>, go_on<from_memory<NAME, 16>>},
#define QC_ENTRY_SIZED(NAME, BYTES) \
    {ZYDIS_MNEMONIC_##NAME, go_on<from_register<NAME>>, go_on<from_memory<NAME, BYTES>>},
#define QC_ENTRY_BLEND(NAME) \
    {ZYDIS_MNEMONIC_##NAME, go_on<blend_register<NAME>>, go_on<blend_memory<NAME>>},
// Here "memory" stands for the immediate.
#define QC_ENTRY_SHIFT(NAME) {ZYDIS_MNEMONIC_##NAME, nullptr, go_on<shift_by_immediate<NAME>>},

constexpr SimdEntry kTable[] = {QC_WHOLE(QC_ENTRY) QC_SHIFTS(QC_ENTRY) QC_WIDENING(QC_ENTRY_SIZED)
                                    QC_BLENDS(QC_ENTRY_BLEND)};
constexpr SimdEntry kImmediateShifts[] = {QC_SHIFTS(QC_ENTRY_SHIFT)};

}  // namespace

Selected select_sse_integer(const Insn& insn, Op& op) {
    if (insn.kind(0) == Operand::Kind::kXmm && insn.kind(1) == Operand::Kind::kImmediate) {
        const SimdEntry* shift = find_entry(kImmediateShifts, insn.mnemonic);
        if (shift == nullptr) return Selected::kNo;
        op.handler = shift->from_memory;
        return Selected::kYes;
    }
    return select_entry(kTable, insn, op);
}

}  // namespace qc::accel::tcg
