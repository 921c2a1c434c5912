// SPDX-License-Identifier: GPL-2.0-or-later
//
// Conversions between floating point in XMM registers and integers in general or MMX
// registers.
#include "accel/tcg/simd_float.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

// From a general register, or memory, of type T. `text` is the mnemonic with its suffix.
#define QC_FROM_INTEGER(NAME, text, T)                                                   \
    struct NAME {                                                                        \
        using Integer = T;                                                               \
        static void run(Xmm& a, T b) {                                                   \
            asm volatile("movdqa %0, %%xmm0\n\t" text " %1, %%xmm0\n\tmovdqa %%xmm0, %0" \
                         : "+m"(a)                                                       \
                         : "r"(b)                                                        \
                         : "xmm0");                                                      \
        }                                                                                \
    };
QC_FROM_INTEGER(LongToSingle, "cvtsi2ssl", uint32_t)
QC_FROM_INTEGER(QuadToSingle, "cvtsi2ssq", uint64_t)
QC_FROM_INTEGER(LongToDouble, "cvtsi2sdl", uint32_t)
QC_FROM_INTEGER(QuadToDouble, "cvtsi2sdq", uint64_t)

#define QC_TO_INTEGER(NAME, text)                                \
    struct NAME {                                                \
        template <typename T>                                    \
        static T run(const Xmm& a) {                             \
            T value;                                             \
            asm volatile(text " %1, %0" : "=r"(value) : "m"(a)); \
            return value;                                        \
        }                                                        \
    };
QC_TO_INTEGER(SingleToInteger, "cvtss2si")
QC_TO_INTEGER(DoubleToInteger, "cvtsd2si")
QC_TO_INTEGER(SingleToIntegerCut, "cvttss2si")
QC_TO_INTEGER(DoubleToIntegerCut, "cvttsd2si")

#define QC_TO_MMX(NAME)                                                                            \
    struct NAME {                                                                                  \
        static void run(uint64_t& a, const Xmm& b) {                                               \
            asm volatile(#NAME " %1, %%mm0\n\tmovq %%mm0, %0\n\temms" : "=m"(a) : "m"(b) : "mm0"); \
        }                                                                                          \
    };
QC_TO_MMX(CVTPS2PI)
QC_TO_MMX(CVTTPS2PI)
QC_TO_MMX(CVTPD2PI)
QC_TO_MMX(CVTTPD2PI)

#define QC_FROM_MMX(NAME)                                                \
    struct NAME {                                                        \
        static void run(Xmm& a, const uint64_t& b) {                     \
            asm volatile("movdqa %0, %%xmm0\n\tmovq %1, %%mm0\n\t" #NAME \
                         " %%mm0, %%xmm0\n\tmovdqa %%xmm0, %0\n\temms"   \
                         : "+m"(a)                                       \
                         : "m"(b)                                        \
                         : "xmm0", "mm0");                               \
        }                                                                \
    };
QC_FROM_MMX(CVTPI2PS)
QC_FROM_MMX(CVTPI2PD)

template <typename Instruction, typename T>
bool convert_into_xmm(Cpu& cpu, uint8_t destination, T value) {
    Xmm result = xmm(cpu, destination);
    if (!under_guest_mxcsr(cpu, result, Tiny::kNone, [&] { Instruction::run(result, value); })) {
        return false;
    }
    xmm(cpu, destination) = result;
    return true;
}

template <typename Instruction, bool kMemory>
bool from_integer(Cpu& cpu, const Op& op) {
    using T = typename Instruction::Integer;
    T value;
    if (!sse_ready(cpu)) return false;
    if constexpr (kMemory) {
        if (!load_operand<T>(cpu, op, value)) return false;
    } else {
        value = get_reg<T>(cpu, op.src);
    }
    return convert_into_xmm<Instruction>(cpu, op.dst, value);
}

// kBytes: of the memory operand, 0 for a register.
template <typename Instruction, typename T, unsigned kBytes>
bool to_integer(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu)) return false;
    if constexpr (kBytes == 0) {
        source = xmm(cpu, op.src);
    } else {
        if (!load_source<kBytes>(cpu, op, source)) return false;
    }
    T value = 0;
    if (!under_guest_mxcsr(cpu, source, Tiny::kNone,
                           [&] { value = Instruction::template run<T>(source); })) {
        return false;
    }
    set_reg<T>(cpu, op.dst, value);
    return true;
}

template <typename Instruction, unsigned kBytes>
bool to_mmx(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu) || !x87_settled(cpu)) return false;
    if constexpr (kBytes == 0) {
        source = xmm(cpu, op.src);
    } else {
        if (!load_source<kBytes>(cpu, op, source)) return false;
    }
    // Even if an exception follows.
    cpu.fpu.enter_mmx();
    uint64_t value = 0;
    if (!under_guest_mxcsr(cpu, source, Tiny::kNone, [&] { Instruction::run(value, source); })) {
        return false;
    }
    set_mmx(cpu, op.dst, value);
    return true;
}

template <typename Instruction>
bool from_mmx(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu) || !x87_settled(cpu)) return false;
    cpu.fpu.enter_mmx();
    return convert_into_xmm<Instruction>(cpu, op.dst, mmx(cpu, op.src).value);
}
// Integers from memory are no business of the MMX unit.
template <typename Instruction>
bool from_two_integers(Cpu& cpu, const Op& op) {
    uint64_t value;
    return sse_ready(cpu) && load_operand<uint64_t>(cpu, op, value) &&
           convert_into_xmm<Instruction>(cpu, op.dst, value);
}

template <typename Long, typename Quad>
Handler from_integer_handler(const Insn& insn) {
    bool quad = insn.operands[1].bytes == 8;
    if (insn.kind(1) == Kind::kMemory) {
        return quad ? go_on<from_integer<Quad, true>> : go_on<from_integer<Long, true>>;
    }
    return quad ? go_on<from_integer<Quad, false>> : go_on<from_integer<Long, false>>;
}

template <typename Instruction, unsigned kBytes>
Handler to_integer_handler(const Insn& insn) {
    bool quad = insn.operands[0].bytes == 8;
    if (insn.kind(1) == Kind::kMemory) {
        return quad ? go_on<to_integer<Instruction, uint64_t, kBytes>>
                    : go_on<to_integer<Instruction, uint32_t, kBytes>>;
    }
    return quad ? go_on<to_integer<Instruction, uint64_t, 0>>
                : go_on<to_integer<Instruction, uint32_t, 0>>;
}

template <typename Instruction, unsigned kBytes>
Handler to_mmx_handler(const Insn& insn) {
    return insn.kind(1) == Kind::kMemory ? go_on<to_mmx<Instruction, kBytes>>
                                         : go_on<to_mmx<Instruction, 0>>;
}

template <typename Instruction>
Handler from_mmx_handler(const Insn& insn) {
    return insn.kind(1) == Kind::kMemory ? go_on<from_two_integers<Instruction>>
                                         : go_on<from_mmx<Instruction>>;
}

Handler convert_handler(const Insn& insn) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_CVTSI2SS: return from_integer_handler<LongToSingle, QuadToSingle>(insn);
        case ZYDIS_MNEMONIC_CVTSI2SD: return from_integer_handler<LongToDouble, QuadToDouble>(insn);
        case ZYDIS_MNEMONIC_CVTSS2SI: return to_integer_handler<SingleToInteger, 4>(insn);
        case ZYDIS_MNEMONIC_CVTSD2SI: return to_integer_handler<DoubleToInteger, 8>(insn);
        case ZYDIS_MNEMONIC_CVTTSS2SI: return to_integer_handler<SingleToIntegerCut, 4>(insn);
        case ZYDIS_MNEMONIC_CVTTSD2SI: return to_integer_handler<DoubleToIntegerCut, 8>(insn);
        case ZYDIS_MNEMONIC_CVTPS2PI: return to_mmx_handler<CVTPS2PI, 8>(insn);
        case ZYDIS_MNEMONIC_CVTTPS2PI: return to_mmx_handler<CVTTPS2PI, 8>(insn);
        case ZYDIS_MNEMONIC_CVTPD2PI: return to_mmx_handler<CVTPD2PI, 16>(insn);
        case ZYDIS_MNEMONIC_CVTTPD2PI: return to_mmx_handler<CVTTPD2PI, 16>(insn);
        case ZYDIS_MNEMONIC_CVTPI2PS: return from_mmx_handler<CVTPI2PS>(insn);
        case ZYDIS_MNEMONIC_CVTPI2PD: return from_mmx_handler<CVTPI2PD>(insn);
        default: return nullptr;
    }
}

}  // namespace

Selected select_sse_convert(const Insn& insn, Op& op) {
    Handler handler = convert_handler(insn);
    if (handler == nullptr) return Selected::kNo;
    op.handler = handler;
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
