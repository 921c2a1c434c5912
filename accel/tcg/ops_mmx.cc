// SPDX-License-Identifier: GPL-2.0-or-later
//
// From MMX register or memory to MMX register. The host's MMX unit computes, and is left
// empty at once. The registers are those of x87: see FpuState::enter_mmx.
#include "accel/tcg/simd.h"
#include "accel/tcg/simd_stubs.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

// From memory of 8 bytes, PUNPCKLxx of 4.
// clang-format off
#define QC_WHOLE(X) \
    X(PAND, 8) X(PANDN, 8) X(POR, 8) X(PXOR, 8) X(PADDB, 8) X(PADDW, 8) X(PADDD, 8) \
    X(PADDQ, 8) X(PADDSB, 8) X(PADDSW, 8) X(PADDUSB, 8) X(PADDUSW, 8) X(PSUBB, 8) \
    X(PSUBW, 8) X(PSUBD, 8) X(PSUBQ, 8) X(PSUBSB, 8) X(PSUBSW, 8) X(PSUBUSB, 8) \
    X(PSUBUSW, 8) X(PMULLW, 8) X(PMULHW, 8) X(PMULHUW, 8) X(PMULUDQ, 8) X(PMADDWD, 8) \
    X(PSADBW, 8) X(PAVGB, 8) X(PAVGW, 8) X(PMINUB, 8) X(PMINSW, 8) X(PMAXUB, 8) X(PMAXSW, 8) \
    X(PCMPEQB, 8) X(PCMPEQW, 8) X(PCMPEQD, 8) X(PCMPGTB, 8) X(PCMPGTW, 8) X(PCMPGTD, 8) \
    X(PACKSSWB, 8) X(PACKSSDW, 8) X(PACKUSWB, 8) X(PUNPCKLBW, 4) X(PUNPCKLWD, 4) \
    X(PUNPCKLDQ, 4) X(PUNPCKHBW, 8) X(PUNPCKHWD, 8) X(PUNPCKHDQ, 8) X(PABSB, 8) X(PABSW, 8) \
    X(PABSD, 8) X(PHADDW, 8) X(PHADDD, 8) X(PHADDSW, 8) X(PHSUBW, 8) X(PHSUBD, 8) \
    X(PHSUBSW, 8) X(PMADDUBSW, 8) X(PMULHRSW, 8) X(PSHUFB, 8) X(PSIGNB, 8) X(PSIGNW, 8) \
    X(PSIGND, 8)
// clang-format on
// clang-format off
#define QC_SHIFTS(X) \
    X(PSLLW, 8) X(PSLLD, 8) X(PSLLQ, 8) X(PSRLW, 8) X(PSRLD, 8) X(PSRLQ, 8) X(PSRAW, 8) \
    X(PSRAD, 8)
// clang-format on

#define QC_DEFINE(NAME, BYTES)                                        \
    struct NAME {                                                     \
        static uint64_t run(uint64_t a, uint64_t b) {                 \
            asm volatile("movq %1, %%mm1\n\tmovq %0, %%mm0\n\t" #NAME \
                         " %%mm1, %%mm0\n\tmovq %%mm0, %0\n\temms"    \
                         : "+r"(a)                                    \
                         : "r"(b)                                     \
                         : "mm0", "mm1");                             \
            return a;                                                 \
        }                                                             \
    };
QC_WHOLE(QC_DEFINE)
QC_SHIFTS(QC_DEFINE)

template <typename Instruction>
bool finish(Cpu& cpu, const Op& op, uint64_t source) {
    cpu.fpu.enter_mmx();
    set_mmx(cpu, op.dst, Instruction::run(mmx(cpu, op.dst).value, source));
    return true;
}
template <typename Instruction>
bool from_register(Cpu& cpu, const Op& op) {
    return mmx_ready(cpu) && finish<Instruction>(cpu, op, cpu.fpu.mmx_value(op.src));
}
template <typename Instruction, unsigned kBytes>
bool from_memory(Cpu& cpu, const Op& op) {
    Xmm source;
    return mmx_ready(cpu) && load_source<kBytes>(cpu, op, source) &&
           finish<Instruction>(cpu, op, source.low);
}
template <typename Instruction>
bool shift_by_immediate(Cpu& cpu, const Op& op) {
    return mmx_ready(cpu) && finish<Instruction>(cpu, op, static_cast<uint8_t>(op.imm));
}

// PSHUFW, PALIGNR: Op::imm is the stub's address.
template <bool kMemory>
bool call_stub(Cpu& cpu, const Op& op) {
    if (!mmx_ready(cpu)) return false;
    uint64_t source = cpu.fpu.mmx_value(op.src);
    if constexpr (kMemory) {
        if (!load_operand<uint64_t>(cpu, op, source)) return false;
    }
    cpu.fpu.enter_mmx();
    uint64_t value = mmx(cpu, op.dst).value;
    call_mmx_stub(reinterpret_cast<const uint8_t*>(op.imm), value, source);
    set_mmx(cpu, op.dst, value);
    return true;
}

#define QC_ENTRY(NAME, BYTES) \
    {ZYDIS_MNEMONIC_##NAME, go_on<from_register<NAME>>, go_on<from_memory<NAME, BYTES>>},
// Here "memory" stands for the immediate.
#define QC_ENTRY_SHIFT(NAME, BYTES) \
    {ZYDIS_MNEMONIC_##NAME, nullptr, go_on<shift_by_immediate<NAME>>},

constexpr SimdEntry kTable[] = {QC_WHOLE(QC_ENTRY) QC_SHIFTS(QC_ENTRY)};
constexpr SimdEntry kImmediateShifts[] = {QC_SHIFTS(QC_ENTRY_SHIFT)};

}  // namespace

Selected select_mmx(const Insn& insn, Op& op) {
    if (insn.kind(0) != Kind::kMmx) return Selected::kNo;
    bool memory = insn.kind(1) == Kind::kMemory;
    if (const uint8_t* stubs = immediate_stubs(insn.mnemonic, true)) {
        op.imm = reinterpret_cast<int64_t>(stubs + static_cast<uint8_t>(op.imm) * kStubBytes);
        op.handler = memory ? go_on<call_stub<true>> : go_on<call_stub<false>>;
        return Selected::kYes;
    }
    bool by_immediate = insn.kind(1) == Kind::kImmediate;
    const SimdEntry* entry = by_immediate ? find_entry(kImmediateShifts, insn.mnemonic)
                                          : find_entry(kTable, insn.mnemonic);
    if (entry == nullptr) return Selected::kNo;
    op.handler = memory || by_immediate ? entry->from_memory : entry->from_register;
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
