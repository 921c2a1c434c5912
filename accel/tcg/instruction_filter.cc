// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/instruction_filter.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <string_view>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

namespace {

constexpr unsigned kTwoByteMap = 1;  // ZYDIS_OPCODE_MAP_0F

constexpr std::pair<uint16_t, std::string_view> kFeatureOf[] = {
    {ZYDIS_MNEMONIC_POPCNT, "popcnt"},   {ZYDIS_MNEMONIC_CMPXCHG8B, "cx8"},
    {ZYDIS_MNEMONIC_CMPXCHG16B, "cx16"}, {ZYDIS_MNEMONIC_RDTSCP, "rdtscp"},
    {ZYDIS_MNEMONIC_SYSCALL, "syscall"}, {ZYDIS_MNEMONIC_SYSRET, "syscall"},
    {ZYDIS_MNEMONIC_SYSENTER, "sep"},    {ZYDIS_MNEMONIC_SYSEXIT, "sep"},
    {ZYDIS_MNEMONIC_RDTSC, "tsc"},       {ZYDIS_MNEMONIC_RDMSR, "msr"},
    {ZYDIS_MNEMONIC_WRMSR, "msr"},       {ZYDIS_MNEMONIC_CLFLUSH, "clflush"},
    {ZYDIS_MNEMONIC_SFENCE, "sse"},      {ZYDIS_MNEMONIC_LFENCE, "sse2"},
    {ZYDIS_MNEMONIC_MFENCE, "sse2"},     {ZYDIS_MNEMONIC_FCOMI, "cmov"},
    {ZYDIS_MNEMONIC_FCOMIP, "cmov"},     {ZYDIS_MNEMONIC_FUCOMI, "cmov"},
    {ZYDIS_MNEMONIC_FUCOMIP, "cmov"},    {ZYDIS_MNEMONIC_FCMOVB, "cmov"},
    {ZYDIS_MNEMONIC_FCMOVBE, "cmov"},    {ZYDIS_MNEMONIC_FCMOVE, "cmov"},
    {ZYDIS_MNEMONIC_FCMOVNB, "cmov"},    {ZYDIS_MNEMONIC_FCMOVNBE, "cmov"},
    {ZYDIS_MNEMONIC_FCMOVNE, "cmov"},    {ZYDIS_MNEMONIC_FCMOVNU, "cmov"},
    {ZYDIS_MNEMONIC_FCMOVU, "cmov"},
};

bool is_x87(unsigned isa_set) {
    return isa_set == ZYDIS_ISA_SET_X87 || isa_set == ZYDIS_ISA_SET_FCMOV ||
           isa_set == ZYDIS_ISA_SET_SSE3X87;
}

}  // namespace

InstructionFilter::InstructionFilter(const i386::CpuModel& model)
    : simd_(model),
      fpu_(model.has("fpu")),
      conditional_moves_(model.has("cmov")),
      lahf64_(model.has("lahf-lm")),
      // AMD's three reasons; Intel's 64-bit processors execute them as NOPs.
      prefetch_(model.has("3dnowprefetch") || model.has("3dnow") || model.has("lm")) {
    for (auto [mnemonic, feature] : kFeatureOf) {
        if (!model.has(feature)) hidden_.push_back(mnemonic);
    }
}

bool InstructionFilter::hides(unsigned isa_set, const Insn& insn) const {
    if (!fpu_ && is_x87(isa_set)) return true;
    if (insn.opcode_map == kTwoByteMap) {
        bool conditional_move = (insn.opcode & 0xf0) == 0x40;
        bool reserved_nop = (insn.opcode & 0xf8) == 0x18;  // prefetches of SSE among them
        if (!conditional_moves_ && (conditional_move || reserved_nop)) return true;
        if (!prefetch_ && insn.opcode == 0x0d) return true;
    }
    bool flags_in_ah = insn.mnemonic == ZYDIS_MNEMONIC_LAHF || insn.mnemonic == ZYDIS_MNEMONIC_SAHF;
    if (flags_in_ah && (insn.mode & kModeCode64) != 0 && !lahf64_) return true;
    return simd_.hides(isa_set, insn) || std::ranges::find(hidden_, insn.mnemonic) != hidden_.end();
}

}  // namespace qc::accel::tcg
