// SPDX-License-Identifier: GPL-2.0-or-later
//
// From XMM register or memory to XMM register with an immediate: shuffles, blends,
// shifts by bytes; comparisons, rounding and dot products, which obey MXCSR.
#include "accel/tcg/simd_float.h"
#include "accel/tcg/simd_stubs.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

// Op::imm is the stub's address, the immediate being chosen.
const uint8_t* stub_of(const Op& op) {
    return reinterpret_cast<const uint8_t*>(op.imm);
}

bool from_register(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    call_xmm_stub(stub_of(op), xmm(cpu, op.dst), xmm(cpu, op.src));
    return true;
}
template <unsigned kBytes>
bool from_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu) || !load_source<kBytes>(cpu, op, source)) return false;
    call_xmm_stub(stub_of(op), xmm(cpu, op.dst), source);
    return true;
}

bool compute(Cpu& cpu, const Op& op, const Xmm& source) {
    Xmm result = xmm(cpu, op.dst);
    if (!under_guest_mxcsr(cpu, result, Tiny::kNone,
                           [&] { call_xmm_stub(stub_of(op), result, source); })) {
        return false;
    }
    xmm(cpu, op.dst) = result;
    return true;
}
bool compute_register(Cpu& cpu, const Op& op) {
    return sse_ready(cpu) && compute(cpu, op, xmm(cpu, op.src));
}
template <unsigned kBytes>
bool compute_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    return sse_ready(cpu) && load_source<kBytes>(cpu, op, source) && compute(cpu, op, source);
}

// A dot product rounds its products, their sums by twos, and the sum of those. Each can be
// too small to be normal and exact, which masked execution does not tell: where the guest
// unmasks exceptions, the steps go first. Elements that the immediate (Op::extra) leaves
// out of it count as zero.
template <typename Element>
Xmm chosen_elements(const Xmm& from, unsigned immediate) {
    Xmm chosen;
    for (unsigned i = 0; i < sizeof(Xmm) / sizeof(Element); ++i) {
        if ((immediate >> (4 + i) & 1) != 0) {
            set_element<Element>(chosen, i, element<Element>(from, i));
        }
    }
    return chosen;
}
// An instruction on two registers, by its mnemonic for singles or doubles.
#define QC_STEP(MNEMONIC, VALUES, OTHERS)                                            \
    asm volatile("movdqa %0, %%xmm0\n\t" MNEMONIC " %1, %%xmm0\n\tmovdqa %%xmm0, %0" \
                 : "+m"(VALUES)                                                      \
                 : "m"(OTHERS)                                                       \
                 : "xmm0")
template <typename Element>
void multiply(Xmm& values, const Xmm& factors) {
    if constexpr (sizeof(Element) == sizeof(uint32_t))
        QC_STEP("mulps", values, factors);
    else
        QC_STEP("mulpd", values, factors);
}
template <typename Element>
void add_neighbours(Xmm& values) {
    const Xmm others = values;
    if constexpr (sizeof(Element) == sizeof(uint32_t))
        QC_STEP("haddps", values, others);
    else
        QC_STEP("haddpd", values, others);
}
#undef QC_STEP
template <typename Element>
bool dot_product_steps(Cpu& cpu, Xmm values, const Xmm& factors) {
    constexpr bool kSingles = sizeof(Element) == sizeof(uint32_t);
    constexpr Tiny kTiny = kSingles ? Tiny::kSingles : Tiny::kDoubles;
    const auto add = [&] {
        return under_guest_mxcsr(cpu, values, kTiny, [&] { add_neighbours<Element>(values); });
    };
    return under_guest_mxcsr(cpu, values, kTiny, [&] { multiply<Element>(values, factors); }) &&
           add() && (!kSingles || add());
}
template <typename Element>
bool dot_product(Cpu& cpu, const Op& op, const Xmm& source) {
    bool masked = cpu.fpu.on_host || (cpu.fpu.mxcsr & mxcsr::kMasks) == mxcsr::kMasks;
    if (!masked) {
        const Xmm values = chosen_elements<Element>(xmm(cpu, op.dst), op.extra);
        const Xmm factors = chosen_elements<Element>(source, op.extra);
        if (!dot_product_steps<Element>(cpu, values, factors)) return false;
    }
    return compute(cpu, op, source);
}
template <typename Element>
bool dot_product_register(Cpu& cpu, const Op& op) {
    return sse_ready(cpu) && dot_product<Element>(cpu, op, xmm(cpu, op.src));
}
template <typename Element>
bool dot_product_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    return sse_ready(cpu) && load_source<16>(cpu, op, source) &&
           dot_product<Element>(cpu, op, source);
}

constexpr SimdEntry kShuffle{ZYDIS_MNEMONIC_INVALID, go_on<from_register>, go_on<from_memory<16>>};
constexpr SimdEntry kInsert{ZYDIS_MNEMONIC_INVALID, go_on<from_register>, go_on<from_memory<4>>};

template <unsigned kBytes>
constexpr SimdEntry kFloat{ZYDIS_MNEMONIC_INVALID, go_on<compute_register>,
                           go_on<compute_memory<kBytes>>};
template <typename Element>
constexpr SimdEntry kDotProduct{ZYDIS_MNEMONIC_INVALID, go_on<dot_product_register<Element>>,
                                go_on<dot_product_memory<Element>>};

const SimdEntry* entry_of(uint16_t mnemonic) {
    switch (mnemonic) {
        case ZYDIS_MNEMONIC_PSHUFD:
        case ZYDIS_MNEMONIC_PSHUFHW:
        case ZYDIS_MNEMONIC_PSHUFLW:
        case ZYDIS_MNEMONIC_PSLLDQ:
        case ZYDIS_MNEMONIC_PSRLDQ:
        case ZYDIS_MNEMONIC_SHUFPS:
        case ZYDIS_MNEMONIC_SHUFPD:
        case ZYDIS_MNEMONIC_BLENDPS:
        case ZYDIS_MNEMONIC_BLENDPD:
        case ZYDIS_MNEMONIC_PBLENDW:
        case ZYDIS_MNEMONIC_PALIGNR:
        case ZYDIS_MNEMONIC_MPSADBW: return &kShuffle;
        case ZYDIS_MNEMONIC_INSERTPS: return &kInsert;
        case ZYDIS_MNEMONIC_CMPPS:
        case ZYDIS_MNEMONIC_CMPPD:
        case ZYDIS_MNEMONIC_ROUNDPS:
        case ZYDIS_MNEMONIC_ROUNDPD: return &kFloat<16>;
        case ZYDIS_MNEMONIC_CMPSS:
        case ZYDIS_MNEMONIC_ROUNDSS: return &kFloat<4>;
        case ZYDIS_MNEMONIC_CMPSD:
        case ZYDIS_MNEMONIC_ROUNDSD: return &kFloat<8>;
        case ZYDIS_MNEMONIC_DPPS: return &kDotProduct<uint32_t>;
        case ZYDIS_MNEMONIC_DPPD: return &kDotProduct<uint64_t>;
        default: return nullptr;
    }
}

}  // namespace

Selected select_sse_immediate(const Insn& insn, Op& op) {
    const SimdEntry* entry = entry_of(insn.mnemonic);
    if (entry == nullptr || insn.kind(0) != Kind::kXmm) return Selected::kNo;
    bool memory = insn.kind(1) == Kind::kMemory;
    auto immediate = static_cast<uint8_t>(op.imm);
    // A single element from memory has no place to be picked from.
    if (entry == &kInsert && memory) immediate &= 0x3f;
    op.imm =
        reinterpret_cast<int64_t>(immediate_stubs(insn.mnemonic, false) + immediate * kStubBytes);
    op.extra = immediate;
    op.handler = memory ? entry->from_memory : entry->from_register;
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
