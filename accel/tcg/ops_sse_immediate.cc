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

template <Tiny kTiny>
bool compute(Cpu& cpu, const Op& op, const Xmm& source) {
    Xmm result = xmm(cpu, op.dst);
    if (!under_guest_mxcsr(cpu, result, kTiny,
                           [&] { call_xmm_stub(stub_of(op), result, source); })) {
        return false;
    }
    xmm(cpu, op.dst) = result;
    return true;
}
template <Tiny kTiny>
bool compute_register(Cpu& cpu, const Op& op) {
    return sse_ready(cpu) && compute<kTiny>(cpu, op, xmm(cpu, op.src));
}
template <unsigned kBytes, Tiny kTiny>
bool compute_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    return sse_ready(cpu) && load_source<kBytes>(cpu, op, source) &&
           compute<kTiny>(cpu, op, source);
}

constexpr SimdEntry kShuffle{ZYDIS_MNEMONIC_INVALID, go_on<from_register>, go_on<from_memory<16>>};
constexpr SimdEntry kInsert{ZYDIS_MNEMONIC_INVALID, go_on<from_register>, go_on<from_memory<4>>};

template <unsigned kBytes, Tiny kTiny = Tiny::kNone>
constexpr SimdEntry kFloat{ZYDIS_MNEMONIC_INVALID, go_on<compute_register<kTiny>>,
                           go_on<compute_memory<kBytes, kTiny>>};

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
        case ZYDIS_MNEMONIC_DPPS: return &kFloat<16, Tiny::kSingles>;
        case ZYDIS_MNEMONIC_DPPD: return &kFloat<16, Tiny::kDoubles>;
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
    op.handler = memory ? entry->from_memory : entry->from_register;
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
