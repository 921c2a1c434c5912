// SPDX-License-Identifier: GPL-2.0-or-later
//
// Floating-point arithmetic and conversions among XMM registers.
#include "accel/tcg/simd_estimate.h"
#include "accel/tcg/simd_float.h"

namespace qc::accel::tcg {

namespace {

// Name, bytes of the memory operand, which results can underflow.
// clang-format off
#define QC_FLOATS(X) \
    /* SSE, SSE2 */ \
    X(ADDPS, 16, kSingles) X(ADDPD, 16, kDoubles) X(ADDSS, 4, kOneSingle) \
    X(ADDSD, 8, kOneDouble) X(SUBPS, 16, kSingles) X(SUBPD, 16, kDoubles) \
    X(SUBSS, 4, kOneSingle) X(SUBSD, 8, kOneDouble) X(MULPS, 16, kSingles) \
    X(MULPD, 16, kDoubles) X(MULSS, 4, kOneSingle) X(MULSD, 8, kOneDouble) \
    X(DIVPS, 16, kSingles) X(DIVPD, 16, kDoubles) X(DIVSS, 4, kOneSingle) \
    X(DIVSD, 8, kOneDouble) X(SQRTPS, 16, kNone) X(SQRTPD, 16, kNone) X(SQRTSS, 4, kNone) \
    X(SQRTSD, 8, kNone) X(MINPS, 16, kNone) X(MINPD, 16, kNone) X(MINSS, 4, kNone) \
    X(MINSD, 8, kNone) X(MAXPS, 16, kNone) X(MAXPD, 16, kNone) X(MAXSS, 4, kNone) \
    X(MAXSD, 8, kNone) X(CVTDQ2PS, 16, kNone) X(CVTDQ2PD, 8, kNone) X(CVTPS2DQ, 16, kNone) \
    X(CVTTPS2DQ, 16, kNone) X(CVTPD2DQ, 16, kNone) X(CVTTPD2DQ, 16, kNone) \
    X(CVTPS2PD, 8, kNone) X(CVTPD2PS, 16, kTwoSingles) X(CVTSS2SD, 4, kNone) \
    X(CVTSD2SS, 8, kOneSingle) \
    /* SSE3 */ \
    X(ADDSUBPS, 16, kSingles) X(ADDSUBPD, 16, kDoubles) X(HADDPS, 16, kSingles) \
    X(HADDPD, 16, kDoubles) X(HSUBPS, 16, kSingles) X(HSUBPD, 16, kDoubles)
// clang-format on

#define QC_DEFINE(NAME, BYTES, TINY)                                                      \
    struct NAME {                                                                         \
        static constexpr Tiny kTiny = Tiny::TINY;                                         \
        static void run(Xmm& a, const Xmm& b) {                                           \
            asm volatile("movdqa %0, %%xmm0\n\t" #NAME " %1, %%xmm0\n\tmovdqa %%xmm0, %0" \
                         : "+m"(a)                                                        \
                         : "m"(b)                                                         \
                         : "xmm0");                                                       \
        }                                                                                 \
    };
QC_FLOATS(QC_DEFINE)

template <typename Instruction>
[[gnu::always_inline]] inline bool compute(Cpu& cpu, Xmm& destination, const Xmm& source) {
    Xmm result = destination;
    if (!under_guest_mxcsr(cpu, result, Instruction::kTiny,
                           [&] { Instruction::run(result, source); })) {
        return false;
    }
    destination = result;
    return true;
}

template <typename Instruction>
bool from_register(Cpu& cpu, const Op& op) {
    return sse_ready(cpu) && compute<Instruction>(cpu, xmm(cpu, op.dst), xmm(cpu, op.src));
}
template <typename Instruction, unsigned kBytes>
bool from_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    return sse_ready(cpu) && load_source<kBytes>(cpu, op, source) &&
           compute<Instruction>(cpu, xmm(cpu, op.dst), source);
}

template <auto kEstimate, unsigned kElements>
void estimate(Xmm& destination, const Xmm& source) {
    for (unsigned i = 0; i < kElements; ++i)
        set_element(destination, i, kEstimate(element<uint32_t>(source, i)));
}
template <auto kEstimate, unsigned kElements>
bool estimate_register(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    estimate<kEstimate, kElements>(xmm(cpu, op.dst), xmm(cpu, op.src));
    return true;
}
template <auto kEstimate, unsigned kElements>
bool estimate_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu) || !load_source<kElements * 4>(cpu, op, source)) return false;
    estimate<kEstimate, kElements>(xmm(cpu, op.dst), source);
    return true;
}

#define QC_ESTIMATE(NAME, FUNCTION, ELEMENTS)                             \
    {ZYDIS_MNEMONIC_##NAME, go_on<estimate_register<FUNCTION, ELEMENTS>>, \
     go_on<estimate_memory<FUNCTION, ELEMENTS>>}
#define QC_ENTRY(NAME, BYTES, TINY) \
    {ZYDIS_MNEMONIC_##NAME, go_on<from_register<NAME>>, go_on<from_memory<NAME, BYTES>>},
constexpr SimdEntry kTable[] = {
    QC_FLOATS(QC_ENTRY) QC_ESTIMATE(RCPPS, reciprocal, 4), QC_ESTIMATE(RCPSS, reciprocal, 1),
    QC_ESTIMATE(RSQRTPS, reciprocal_root, 4), QC_ESTIMATE(RSQRTSS, reciprocal_root, 1)};

}  // namespace

Selected select_sse_float(const Insn& insn, Op& op) {
    return select_entry(kTable, insn, op);
}

}  // namespace qc::accel::tcg
