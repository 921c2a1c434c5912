// SPDX-License-Identifier: GPL-2.0-or-later
//
// Comparisons that end in EFLAGS: COMISx UCOMISx PTEST and the string instructions of
// SSE4.2; CRC32, which came with them.
#include "accel/tcg/simd_float.h"
#include "accel/tcg/simd_stubs.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;
namespace eflags = i386::eflags;

// All bits of EFLAGS that the instruction sets; the other arithmetic ones are zero.
#define QC_COMPARE(NAME)                                                  \
    struct NAME {                                                         \
        static uint32_t run(const Xmm& a, const Xmm& b) {                 \
            bool carry, zero, parity;                                     \
            asm volatile("movdqa %3, %%xmm0\n\t" #NAME " %4, %%xmm0"      \
                         : "=@ccc"(carry), "=@ccz"(zero), "=@ccp"(parity) \
                         : "m"(a), "m"(b)                                 \
                         : "xmm0");                                       \
            return (carry ? eflags::kCf : 0) | (zero ? eflags::kZf : 0) | \
                   (parity ? eflags::kPf : 0);                            \
        }                                                                 \
    };
QC_COMPARE(COMISS)
QC_COMPARE(COMISD)
QC_COMPARE(UCOMISS)
QC_COMPARE(UCOMISD)
QC_COMPARE(PTEST)

// kBytes: of the memory operand, 0 for a register.
template <unsigned kBytes>
bool second_operand(Cpu& cpu, const Op& op, Xmm& value) {
    if constexpr (kBytes == 0) {
        value = xmm(cpu, op.src);
        return true;
    } else {
        return load_source<kBytes>(cpu, op, value);
    }
}

template <typename Instruction, unsigned kBytes>
bool compare(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu) || !second_operand<kBytes>(cpu, op, source)) return false;
    uint32_t flags = 0;
    if (!under_guest_mxcsr(cpu, source, Tiny::kNone,
                           [&] { flags = Instruction::run(xmm(cpu, op.dst), source); })) {
        return false;
    }
    cpu.flags.set_value(flags);
    return true;
}

template <unsigned kBytes>
bool ptest(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu) || !second_operand<kBytes>(cpu, op, source)) return false;
    cpu.flags.set_value(PTEST::run(xmm(cpu, op.dst), source));
    return true;
}

// Op::imm is the stub's address. Explicit lengths are EAX and EDX, or with REX.W, which
// `extra` tells, RAX and RDX. Memory operands need no alignment.
enum class Result : uint8_t { kIndex, kMask };
template <Result kResult, bool kMemory>
bool compare_strings(Cpu& cpu, const Op& op) {
    Xmm source;
    if (!sse_ready(cpu)) return false;
    if constexpr (kMemory) {
        if (!load_operand<Xmm>(cpu, op, source)) return false;
    } else {
        source = xmm(cpu, op.src);
    }
    // The stubs take lengths of 32 bits; longer ones count as the longest there is.
    auto length = [&](unsigned reg) -> uint64_t {
        if (op.extra == 0) return gpr<uint32_t>(cpu, reg);
        auto value = static_cast<int64_t>(cpu.gpr[reg]);
        return value < -16 || value > 16 ? 16 : static_cast<uint32_t>(value);
    };
    StringCompare strings;
    strings.rax = length(i386::kRax);
    strings.rdx = length(i386::kRdx);
    call_string_stub(reinterpret_cast<const uint8_t*>(op.imm), xmm(cpu, op.dst), source, strings);
    if constexpr (kResult == Result::kIndex) {
        set_gpr<uint32_t>(cpu, i386::kRcx, static_cast<uint32_t>(strings.rcx));
    } else {
        xmm(cpu, 0) = strings.mask;
    }
    cpu.flags.set_value(strings.flags);
    return true;
}

template <typename T>
uint64_t crc32_step(uint64_t crc, T value) {
    if constexpr (sizeof(T) == 1) asm("crc32b %1, %0" : "+r"(crc) : "q"(value));
    if constexpr (sizeof(T) == 2) asm("crc32w %1, %k0" : "+r"(crc) : "r"(value));
    if constexpr (sizeof(T) == 4) asm("crc32l %1, %k0" : "+r"(crc) : "r"(value));
    if constexpr (sizeof(T) == 8) asm("crc32q %1, %0" : "+r"(crc) : "r"(value));
    return static_cast<uint32_t>(crc);
}
template <typename T, bool kMemory>
bool crc32(Cpu& cpu, const Op& op) {
    T value;
    if constexpr (kMemory) {
        if (!load_operand<T>(cpu, op, value)) return false;
    } else {
        value = get_reg<T>(cpu, op.src);
    }
    uint32_t crc = get_reg<uint32_t>(cpu, op.dst);
    set_reg<uint32_t>(cpu, op.dst, static_cast<uint32_t>(crc32_step<T>(crc, value)));
    return true;
}

template <typename Instruction, unsigned kBytes>
Handler compare_handler(const Insn& insn) {
    return insn.kind(1) == Kind::kMemory ? go_on<compare<Instruction, kBytes>>
                                         : go_on<compare<Instruction, 0>>;
}

template <Result kResult>
Handler string_handler(const Insn& insn, Op& op) {
    bool explicit_lengths =
        insn.mnemonic == ZYDIS_MNEMONIC_PCMPESTRI || insn.mnemonic == ZYDIS_MNEMONIC_PCMPESTRM;
    op.extra = explicit_lengths && insn.rex_w ? 1 : 0;
    op.imm = reinterpret_cast<int64_t>(immediate_stubs(insn.mnemonic, false) +
                                       static_cast<uint8_t>(op.imm) * kStubBytes);
    return insn.kind(1) == Kind::kMemory ? go_on<compare_strings<kResult, true>>
                                         : go_on<compare_strings<kResult, false>>;
}

Handler flags_handler(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_COMISS: return compare_handler<COMISS, 4>(insn);
        case ZYDIS_MNEMONIC_COMISD: return compare_handler<COMISD, 8>(insn);
        case ZYDIS_MNEMONIC_UCOMISS: return compare_handler<UCOMISS, 4>(insn);
        case ZYDIS_MNEMONIC_UCOMISD: return compare_handler<UCOMISD, 8>(insn);
        case ZYDIS_MNEMONIC_PTEST:
            return insn.kind(1) == Kind::kMemory ? go_on<ptest<16>> : go_on<ptest<0>>;
        case ZYDIS_MNEMONIC_PCMPESTRI:
        case ZYDIS_MNEMONIC_PCMPISTRI: return string_handler<Result::kIndex>(insn, op);
        case ZYDIS_MNEMONIC_PCMPESTRM:
        case ZYDIS_MNEMONIC_PCMPISTRM: return string_handler<Result::kMask>(insn, op);
        case ZYDIS_MNEMONIC_CRC32:
            return by_size(insn.operands[1].bytes, [&]<typename T>() -> Handler {
                return insn.kind(1) == Kind::kMemory ? go_on<crc32<T, true>>
                                                     : go_on<crc32<T, false>>;
            });
        default: return nullptr;
    }
}

}  // namespace

Selected select_sse_compare(const Insn& insn, Op& op) {
    Handler handler = flags_handler(insn, op);
    if (handler == nullptr) return Selected::kNo;
    op.handler = handler;
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
