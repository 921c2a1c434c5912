// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/simd_features.h"

#include <Zydis/Zydis.h>

#include <array>
#include <string_view>
#include <utility>

#include "accel/tcg/simd.h"

namespace qc::accel::tcg {

namespace {

constexpr std::pair<ZydisISASet, std::string_view> kSets[] = {
    {ZYDIS_ISA_SET_PENTIUMMMX, "mmx"}, {ZYDIS_ISA_SET_SSE, "sse"},
    {ZYDIS_ISA_SET_SSEMXCSR, "sse"},   {ZYDIS_ISA_SET_SSE2, "sse2"},
    {ZYDIS_ISA_SET_SSE2MMX, "sse2"},   {ZYDIS_ISA_SET_SSE3, "pni"},
    {ZYDIS_ISA_SET_SSE3X87, "pni"},    {ZYDIS_ISA_SET_SSSE3, "ssse3"},
    {ZYDIS_ISA_SET_SSSE3MMX, "ssse3"}, {ZYDIS_ISA_SET_SSE4, "sse4.1"},
    {ZYDIS_ISA_SET_SSE42, "sse4.2"},   {ZYDIS_ISA_SET_FXSAVE, "fxsr"},
    {ZYDIS_ISA_SET_FXSAVE64, "fxsr"},
};

// On MMX registers, but younger than MMX: they came with SSE, or as AMD's extensions.
bool is_mmx_extension(uint16_t mnemonic) {
    switch (mnemonic) {
        case ZYDIS_MNEMONIC_MASKMOVQ:
        case ZYDIS_MNEMONIC_MOVNTQ:
        case ZYDIS_MNEMONIC_PAVGB:
        case ZYDIS_MNEMONIC_PAVGW:
        case ZYDIS_MNEMONIC_PEXTRW:
        case ZYDIS_MNEMONIC_PINSRW:
        case ZYDIS_MNEMONIC_PMAXSW:
        case ZYDIS_MNEMONIC_PMAXUB:
        case ZYDIS_MNEMONIC_PMINSW:
        case ZYDIS_MNEMONIC_PMINUB:
        case ZYDIS_MNEMONIC_PMOVMSKB:
        case ZYDIS_MNEMONIC_PMULHUW:
        case ZYDIS_MNEMONIC_PSADBW:
        case ZYDIS_MNEMONIC_PSHUFW: return true;
        default: return false;
    }
}

bool touches_simd(const Insn& insn) {
    for (const Operand& operand : insn.operands) {
        if (operand.kind == Operand::Kind::kXmm || operand.kind == Operand::Kind::kMmx) return true;
    }
    // Those without such an operand.
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_CVTSS2SI:  // from memory, as the next three
        case ZYDIS_MNEMONIC_CVTTSS2SI:
        case ZYDIS_MNEMONIC_CVTSD2SI:
        case ZYDIS_MNEMONIC_CVTTSD2SI:
        case ZYDIS_MNEMONIC_MOVNTI:
        case ZYDIS_MNEMONIC_CRC32:
        case ZYDIS_MNEMONIC_EMMS:
        case ZYDIS_MNEMONIC_LDMXCSR:
        case ZYDIS_MNEMONIC_STMXCSR:
        case ZYDIS_MNEMONIC_FXSAVE:
        case ZYDIS_MNEMONIC_FXSAVE64:
        case ZYDIS_MNEMONIC_FXRSTOR:
        case ZYDIS_MNEMONIC_FXRSTOR64: return true;
        default: return false;
    }
}

}  // namespace

bool host_vector_unit_has(std::string_view feature) {
    if (feature == "pni" || feature == "sse3") return __builtin_cpu_supports("sse3") != 0;
    if (feature == "ssse3") return __builtin_cpu_supports("ssse3") != 0;
    if (feature == "sse4.1") return __builtin_cpu_supports("sse4.1") != 0;
    if (feature == "sse4.2") return __builtin_cpu_supports("sse4.2") != 0;
    return false;
}

SimdFeatures::SimdFeatures(const i386::CpuModel& model)
    : mmx_extensions_(model.has("sse") || model.has("mmxext")) {
    static_assert(ZYDIS_ISA_SET_MAX_VALUE < kMaxSets);
    for (auto [set, feature] : kSets)
        hidden_[set] = !model.has(feature);
}

bool SimdFeatures::hides(unsigned isa_set, const Insn& insn) const {
    if (isa_set == ZYDIS_ISA_SET_PENTIUMMMX && !mmx_extensions_ && is_mmx_extension(insn.mnemonic))
        return true;
    return isa_set < kMaxSets && hidden_[isa_set];
}

Selected select_simd(const Insn& insn, Op& op) {
    if (!touches_simd(insn)) return Selected::kNo;
    constexpr std::array kFamilies = {
        select_sse_move,    select_sse_integer,   select_sse_float,
        select_sse_convert, select_sse_immediate, select_sse_element,
        select_sse_compare, select_mmx,           select_fpu_save,
    };
    for (auto select : kFamilies) {
        Selected selected = select(insn, op);
        if (selected != Selected::kNo) return selected;
    }
    return Selected::kNo;
}

}  // namespace qc::accel::tcg
