// SPDX-License-Identifier: GPL-2.0-or-later
//
// MOV (general registers and memory) MOVZX MOVSX LEA XCHG CMOVcc SETcc BSWAP CBW..CDQE
// CWD..CQO XLAT NOP and the hints.
#include <Zydis/Mnemonic.h>

#include <bit>

#include "accel/tcg/access.h"
#include "accel/tcg/conditions.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

template <typename T>
void mov_reg_reg(Cpu& cpu, const Op& op) {
    set_reg<T>(cpu, op.dst, get_reg<T>(cpu, op.src));
}
template <typename T>
void mov_reg_imm(Cpu& cpu, const Op& op) {
    set_reg<T>(cpu, op.dst, static_cast<T>(op.imm));
}
template <typename T>
bool mov_reg_mem(Cpu& cpu, const Op& op) {
    T value;
    if (!load_operand<T>(cpu, op, value)) return false;
    set_reg<T>(cpu, op.dst, value);
    return true;
}
template <typename T>
bool mov_mem_reg(Cpu& cpu, const Op& op) {
    return store_operand<T>(cpu, op, get_reg<T>(cpu, op.src));
}
template <typename T>
bool mov_mem_imm(Cpu& cpu, const Op& op) {
    return store_operand<T>(cpu, op, static_cast<T>(op.imm));
}

// The accumulator and an address of 64 bits within the instruction: imm.
template <typename T>
bool mov_from_absolute(Cpu& cpu, const Op& op) {
    T value;
    if (!load<T>(cpu, op.seg, static_cast<uint64_t>(op.imm), value)) return false;
    set_gpr<T>(cpu, i386::kRax, value);
    return true;
}
template <typename T>
bool mov_to_absolute(Cpu& cpu, const Op& op) {
    return store<T>(cpu, op.seg, static_cast<uint64_t>(op.imm), gpr<T>(cpu, i386::kRax));
}

// From (From) to (To), both with or without sign.
template <typename To, typename From>
void extend_reg(Cpu& cpu, const Op& op) {
    auto value =
        static_cast<To>(static_cast<From>(get_reg<std::make_unsigned_t<From>>(cpu, op.src)));
    set_reg<std::make_unsigned_t<To>>(cpu, op.dst, static_cast<std::make_unsigned_t<To>>(value));
}
template <typename To, typename From>
bool extend_mem(Cpu& cpu, const Op& op) {
    std::make_unsigned_t<From> raw;
    if (!load_operand(cpu, op, raw)) return false;
    auto value = static_cast<To>(static_cast<From>(raw));
    set_reg<std::make_unsigned_t<To>>(cpu, op.dst, static_cast<std::make_unsigned_t<To>>(value));
    return true;
}

template <typename T>
void lea(Cpu& cpu, const Op& op) {
    set_reg<T>(cpu, op.dst, static_cast<T>(effective_address(cpu, op)));
}

template <typename T>
void xchg_reg(Cpu& cpu, const Op& op) {
    T a = get_reg<T>(cpu, op.dst);
    set_reg<T>(cpu, op.dst, get_reg<T>(cpu, op.src));
    set_reg<T>(cpu, op.src, a);
}
// Atomic with and without LOCK.
template <typename T>
bool xchg_mem(Cpu& cpu, const Op& op) {
    T value = get_reg<T>(cpu, op.src);
    T before = 0;
    if (!update_operand<T, true>(cpu, op, [&](T a) {
            before = a;
            return value;
        })) {
        return false;
    }
    set_reg<T>(cpu, op.src, before);
    return true;
}

// The register is written in any case: a 32-bit one loses its upper half.
template <typename T, unsigned kCondition>
void cmov_reg(Cpu& cpu, const Op& op) {
    T value = condition<kCondition>(cpu.flags) ? get_reg<T>(cpu, op.src) : get_reg<T>(cpu, op.dst);
    set_reg<T>(cpu, op.dst, value);
}
template <typename T, unsigned kCondition>
bool cmov_mem(Cpu& cpu, const Op& op) {
    T value;
    if (!load_operand<T>(cpu, op, value)) return false;
    if (!condition<kCondition>(cpu.flags)) value = get_reg<T>(cpu, op.dst);
    set_reg<T>(cpu, op.dst, value);
    return true;
}

template <unsigned kCondition>
void setcc_reg(Cpu& cpu, const Op& op) {
    set_reg<uint8_t>(cpu, op.dst, condition<kCondition>(cpu.flags) ? 1 : 0);
}
template <unsigned kCondition>
bool setcc_mem(Cpu& cpu, const Op& op) {
    return store_operand<uint8_t>(cpu, op, condition<kCondition>(cpu.flags) ? 1 : 0);
}

template <typename T>
void bswap(Cpu& cpu, const Op& op) {
    T value = get_reg<T>(cpu, op.dst);
    if constexpr (sizeof(T) == 2) {
        value = 0;  // undefined; processors give zero
    } else {
        value = sizeof(T) == 4 ? static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)))
                               : static_cast<T>(__builtin_bswap64(value));
    }
    set_reg<T>(cpu, op.dst, value);
}

// CBW, CWDE, CDQE: sign-extends the accumulator's lower half.
template <typename T, typename Half>
void widen_accumulator(Cpu& cpu, const Op&) {
    set_gpr<T>(cpu, i386::kRax,
               static_cast<T>(static_cast<std::make_signed_t<T>>(
                   static_cast<std::make_signed_t<Half>>(gpr<Half>(cpu, i386::kRax)))));
}
// CWD, CDQ, CQO: fills the data register with the sign.
template <typename T>
void spread_sign(Cpu& cpu, const Op&) {
    bool negative = static_cast<std::make_signed_t<T>>(gpr<T>(cpu, i386::kRax)) < 0;
    set_gpr<T>(cpu, i386::kRdx, negative ? static_cast<T>(~T{0}) : T{0});
}

bool xlat(Cpu& cpu, const Op& op) {
    uint64_t offset =
        (cpu.gpr[i386::kRbx] + gpr<uint8_t>(cpu, i386::kRax)) & kAddressMasks[op.address_size];
    uint8_t value = 0;
    if (!load<uint8_t>(cpu, op.seg, offset, value)) return false;
    set_gpr<uint8_t>(cpu, i386::kRax, value);
    return true;
}

void nop(Cpu&, const Op&) {}

Handler mov_handler(const Insn& insn) {
    if (insn.absolute_address) {
        return by_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
            return insn.kind(0) == Kind::kGpr ? go_on<mov_from_absolute<T>>
                                              : go_on_after_store<mov_to_absolute<T>>;
        });
    }
    return by_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        if (insn.kind(0) == Kind::kGpr) {
            if (insn.kind(1) == Kind::kGpr) return go_on<mov_reg_reg<T>>;
            if (insn.kind(1) == Kind::kImmediate) return go_on<mov_reg_imm<T>>;
            return go_on<mov_reg_mem<T>>;
        }
        return insn.kind(1) == Kind::kGpr ? go_on_after_store<mov_mem_reg<T>>
                                          : go_on_after_store<mov_mem_imm<T>>;
    });
}

Handler extend_handler(const Insn& insn, bool sign) {
    bool memory = insn.kind(1) == Kind::kMemory;
    unsigned from = insn.operands[1].bytes;
    return by_wide_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        using S = std::make_signed_t<T>;
        if (sign) {
            if (from == 1)
                return memory ? go_on<extend_mem<S, int8_t>> : go_on<extend_reg<S, int8_t>>;
            if (from == 2) {
                return memory ? go_on<extend_mem<S, int16_t>> : go_on<extend_reg<S, int16_t>>;
            }
            return memory ? go_on<extend_mem<S, int32_t>> : go_on<extend_reg<S, int32_t>>;
        }
        if (from == 1)
            return memory ? go_on<extend_mem<T, uint8_t>> : go_on<extend_reg<T, uint8_t>>;
        return memory ? go_on<extend_mem<T, uint16_t>> : go_on<extend_reg<T, uint16_t>>;
    });
}

Selected select_conditional(const Insn& insn, Op& op) {
    // 0F 40-4F and 0F 90-9F carry the condition in the opcode.
    if (insn.opcode_map != 1) return Selected::kNo;
    unsigned group = insn.opcode & 0xf0;
    if (group == 0x40) {
        op.handler = by_wide_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
            return by_condition(insn.opcode & 0xf, [&]<unsigned kCondition>() -> Handler {
                return insn.kind(1) == Kind::kGpr ? go_on<cmov_reg<T, kCondition>>
                                                  : go_on<cmov_mem<T, kCondition>>;
            });
        });
        return Selected::kYes;
    }
    if (group == 0x90) {
        op.handler = by_condition(insn.opcode & 0xf, [&]<unsigned kCondition>() -> Handler {
            return insn.kind(0) == Kind::kGpr ? go_on<setcc_reg<kCondition>>
                                              : go_on_after_store<setcc_mem<kCondition>>;
        });
        return Selected::kYes;
    }
    return Selected::kNo;
}

bool general_operands(const Insn& insn) {
    auto general = [](Kind kind) {
        return kind == Kind::kGpr || kind == Kind::kMemory || kind == Kind::kImmediate;
    };
    return general(insn.kind(0)) && general(insn.kind(1));
}

}  // namespace

Selected select_move(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_MOV:
            if (!general_operands(insn)) return Selected::kNo;
            op.handler = mov_handler(insn);
            return Selected::kYes;
        case ZYDIS_MNEMONIC_MOVZX: op.handler = extend_handler(insn, false); return Selected::kYes;
        case ZYDIS_MNEMONIC_MOVSX:
        case ZYDIS_MNEMONIC_MOVSXD: op.handler = extend_handler(insn, true); return Selected::kYes;
        case ZYDIS_MNEMONIC_LEA:
            op.handler = by_wide_size(insn.operands[0].bytes,
                                      []<typename T>() -> Handler { return go_on<lea<T>>; });
            return Selected::kYes;
        case ZYDIS_MNEMONIC_XCHG:
            op.handler = by_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
                return insn.memory_operand() ? go_on_after_store<xchg_mem<T>> : go_on<xchg_reg<T>>;
            });
            return Selected::kYes;
        case ZYDIS_MNEMONIC_BSWAP:
            op.handler = by_wide_size(insn.operands[0].bytes,
                                      []<typename T>() -> Handler { return go_on<bswap<T>>; });
            return Selected::kYes;
        case ZYDIS_MNEMONIC_CBW:
            op.handler = go_on<widen_accumulator<uint16_t, uint8_t>>;
            return Selected::kYes;
        case ZYDIS_MNEMONIC_CWDE:
            op.handler = go_on<widen_accumulator<uint32_t, uint16_t>>;
            return Selected::kYes;
        case ZYDIS_MNEMONIC_CDQE:
            op.handler = go_on<widen_accumulator<uint64_t, uint32_t>>;
            return Selected::kYes;
        case ZYDIS_MNEMONIC_CWD: op.handler = go_on<spread_sign<uint16_t>>; return Selected::kYes;
        case ZYDIS_MNEMONIC_CDQ: op.handler = go_on<spread_sign<uint32_t>>; return Selected::kYes;
        case ZYDIS_MNEMONIC_CQO: op.handler = go_on<spread_sign<uint64_t>>; return Selected::kYes;
        case ZYDIS_MNEMONIC_XLAT:
            op.seg = static_cast<uint8_t>(insn.segment_override >= 0 ? insn.segment_override
                                                                     : i386::kDs);
            op.handler = go_on<xlat>;
            return Selected::kYes;
        case ZYDIS_MNEMONIC_NOP:
        case ZYDIS_MNEMONIC_PAUSE:
        case ZYDIS_MNEMONIC_PREFETCH:
        case ZYDIS_MNEMONIC_PREFETCHW:
        case ZYDIS_MNEMONIC_PREFETCHWT1:
        case ZYDIS_MNEMONIC_PREFETCHNTA:
        case ZYDIS_MNEMONIC_PREFETCHT0:
        case ZYDIS_MNEMONIC_PREFETCHT1:
        case ZYDIS_MNEMONIC_PREFETCHT2: op.handler = go_on<nop>; return Selected::kYes;
        default: return select_conditional(insn, op);
    }
}

}  // namespace qc::accel::tcg
