// SPDX-License-Identifier: GPL-2.0-or-later
//
// MUL IMUL DIV IDIV, and decimal arithmetic: DAA DAS AAA AAS AAM AAD.
#include <Zydis/Mnemonic.h>

#include <limits>

#include "accel/tcg/access.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

__extension__ typedef unsigned __int128 Unsigned128;
__extension__ typedef __int128 Signed128;

template <size_t kBytes>
struct Twice;
template <>
struct Twice<1> {
    using Unsigned = uint16_t;
    using Signed = int16_t;
};
template <>
struct Twice<2> {
    using Unsigned = uint32_t;
    using Signed = int32_t;
};
template <>
struct Twice<4> {
    using Unsigned = uint64_t;
    using Signed = int64_t;
};
template <>
struct Twice<8> {
    using Unsigned = Unsigned128;
    using Signed = Signed128;
};

template <typename T>
using Wide = typename Twice<sizeof(T)>::Unsigned;
template <typename T>
using SignedWide = typename Twice<sizeof(T)>::Signed;

// The accumulator pair: AX for bytes, else rDX:rAX.
template <typename T>
Wide<T> get_pair(const Cpu& cpu) {
    if constexpr (sizeof(T) == 1) {
        return gpr<uint16_t>(cpu, i386::kRax);
    } else {
        return static_cast<Wide<T>>(
            (static_cast<Wide<T>>(gpr<T>(cpu, i386::kRdx)) << (sizeof(T) * 8)) |
            gpr<T>(cpu, i386::kRax));
    }
}
template <typename T>
void set_pair(Cpu& cpu, Wide<T> value) {
    if constexpr (sizeof(T) == 1) {
        set_gpr<uint16_t>(cpu, i386::kRax, value);
    } else {
        set_gpr<T>(cpu, i386::kRax, static_cast<T>(value));
        set_gpr<T>(cpu, i386::kRdx, static_cast<T>(value >> (sizeof(T) * 8)));
    }
}
template <typename T>
void set_quotient(Cpu& cpu, T quotient, T remainder) {
    if constexpr (sizeof(T) == 1) {
        set_gpr<uint16_t>(cpu, i386::kRax, static_cast<uint16_t>(quotient | (remainder << 8)));
    } else {
        set_gpr<T>(cpu, i386::kRax, quotient);
        set_gpr<T>(cpu, i386::kRdx, remainder);
    }
}

// The flags that products leave undefined follow from the low half, as with
// processors of old.
template <typename T>
void set_product_flags(Cpu& cpu, T low, bool overflow) {
    cpu.flags.set_shift<T>(low, overflow, overflow);
}

template <typename T>
bool mul(Cpu& cpu, T b) {
    auto product = static_cast<Wide<T>>(static_cast<Wide<T>>(gpr<T>(cpu, i386::kRax)) * b);
    set_pair<T>(cpu, product);
    set_product_flags<T>(cpu, static_cast<T>(product), (product >> (sizeof(T) * 8)) != 0);
    return true;
}

template <typename T>
SignedWide<T> signed_product(T a, T b) {
    using S = std::make_signed_t<T>;
    return static_cast<SignedWide<T>>(static_cast<SignedWide<T>>(static_cast<S>(a)) *
                                      static_cast<S>(b));
}
template <typename T>
bool fits(SignedWide<T> value) {
    return value == static_cast<std::make_signed_t<T>>(value);
}

template <typename T>
bool imul(Cpu& cpu, T b) {
    SignedWide<T> product = signed_product<T>(gpr<T>(cpu, i386::kRax), b);
    set_pair<T>(cpu, static_cast<Wide<T>>(product));
    set_product_flags<T>(cpu, static_cast<T>(product), !fits<T>(product));
    return true;
}

template <typename T>
bool div(Cpu& cpu, T b) {
    if (b == 0) return raise(cpu, i386::kDivideError);
    Wide<T> a = get_pair<T>(cpu);
    auto quotient = static_cast<Wide<T>>(a / b);
    if (quotient > std::numeric_limits<T>::max()) return raise(cpu, i386::kDivideError);
    set_quotient<T>(cpu, static_cast<T>(quotient), static_cast<T>(a % b));
    return true;
}

template <typename T>
bool idiv(Cpu& cpu, T b) {
    using S = std::make_signed_t<T>;
    if (b == 0) return raise(cpu, i386::kDivideError);
    auto a = static_cast<SignedWide<T>>(get_pair<T>(cpu));
    auto divisor = static_cast<S>(b);
    // The most negative dividend by -1 overflows the host's division as well.
    if (divisor == -1) {
        auto positive = static_cast<Wide<T>>(Wide<T>{0} - static_cast<Wide<T>>(a));
        if (!fits<T>(static_cast<SignedWide<T>>(positive)) ||
            (a < 0 && static_cast<SignedWide<T>>(positive) < 0)) {
            return raise(cpu, i386::kDivideError);
        }
        set_quotient<T>(cpu, static_cast<T>(positive), T{0});
        return true;
    }
    auto quotient = static_cast<SignedWide<T>>(a / divisor);
    if (!fits<T>(quotient)) return raise(cpu, i386::kDivideError);
    set_quotient<T>(cpu, static_cast<T>(quotient), static_cast<T>(a % divisor));
    return true;
}

template <typename T, bool (*kApply)(Cpu&, T)>
bool by_reg(Cpu& cpu, const Op& op) {
    return kApply(cpu, get_reg<T>(cpu, op.dst));
}
template <typename T, bool (*kApply)(Cpu&, T)>
bool by_mem(Cpu& cpu, const Op& op) {
    T b;
    return load_operand<T>(cpu, op, b) && kApply(cpu, b);
}

template <typename T>
void imul_into(Cpu& cpu, const Op& op, T a, T b) {
    SignedWide<T> product = signed_product<T>(a, b);
    set_reg<T>(cpu, op.dst, static_cast<T>(product));
    set_product_flags<T>(cpu, static_cast<T>(product), !fits<T>(product));
}
template <typename T>
void imul_reg_reg(Cpu& cpu, const Op& op) {
    imul_into<T>(cpu, op, get_reg<T>(cpu, op.dst), get_reg<T>(cpu, op.src));
}
template <typename T>
bool imul_reg_mem(Cpu& cpu, const Op& op) {
    T b;
    if (!load_operand<T>(cpu, op, b)) return false;
    imul_into<T>(cpu, op, get_reg<T>(cpu, op.dst), b);
    return true;
}
template <typename T>
void imul_reg_imm(Cpu& cpu, const Op& op) {
    imul_into<T>(cpu, op, get_reg<T>(cpu, op.src), static_cast<T>(op.imm));
}
template <typename T>
bool imul_mem_imm(Cpu& cpu, const Op& op) {
    T a;
    if (!load_operand<T>(cpu, op, a)) return false;
    imul_into<T>(cpu, op, a, static_cast<T>(op.imm));
    return true;
}

// Decimal adjustments: the flags that follow from AL, then CF and AF as given.
void set_decimal_flags(Cpu& cpu, bool carry, bool auxiliary) {
    cpu.flags.set_shift<uint8_t>(gpr<uint8_t>(cpu, i386::kRax), carry, false);
    if (auxiliary) cpu.flags.carries |= 8;
}

void daa(Cpu& cpu, const Op&) {
    uint8_t al = gpr<uint8_t>(cpu, i386::kRax);
    bool low = (al & 0xf) > 9 || cpu.flags.af();
    bool high = al > 0x99 || cpu.flags.cf();
    set_gpr<uint8_t>(cpu, i386::kRax, static_cast<uint8_t>(al + (low ? 6 : 0) + (high ? 0x60 : 0)));
    set_decimal_flags(cpu, high, low);
}

void das(Cpu& cpu, const Op&) {
    uint8_t al = gpr<uint8_t>(cpu, i386::kRax);
    bool low = (al & 0xf) > 9 || cpu.flags.af();
    bool high = al > 0x99 || cpu.flags.cf();
    // A borrow of the low correction is a carry too.
    bool carry = high || (low && al < 6);
    set_gpr<uint8_t>(cpu, i386::kRax, static_cast<uint8_t>(al - (low ? 6 : 0) - (high ? 0x60 : 0)));
    set_decimal_flags(cpu, carry, low);
}

void ascii_adjust(Cpu& cpu, int sign) {
    uint16_t ax = gpr<uint16_t>(cpu, i386::kRax);
    bool adjust = (ax & 0xf) > 9 || cpu.flags.af();
    if (adjust) ax = static_cast<uint16_t>(ax + sign * 0x106);
    set_gpr<uint16_t>(cpu, i386::kRax, ax & 0xff0f);
    set_decimal_flags(cpu, adjust, adjust);
}
void aaa(Cpu& cpu, const Op&) {
    ascii_adjust(cpu, 1);
}
void aas(Cpu& cpu, const Op&) {
    ascii_adjust(cpu, -1);
}

bool aam(Cpu& cpu, const Op& op) {
    auto base = static_cast<uint8_t>(op.imm);
    if (base == 0) return raise(cpu, i386::kDivideError);
    uint8_t al = gpr<uint8_t>(cpu, i386::kRax);
    set_gpr<uint16_t>(cpu, i386::kRax, static_cast<uint16_t>(((al / base) << 8) | (al % base)));
    set_decimal_flags(cpu, false, false);
    return true;
}

void aad(Cpu& cpu, const Op& op) {
    uint16_t ax = gpr<uint16_t>(cpu, i386::kRax);
    auto al = static_cast<uint8_t>(ax + (ax >> 8) * static_cast<uint8_t>(op.imm));
    set_gpr<uint16_t>(cpu, i386::kRax, al);
    set_decimal_flags(cpu, false, false);
}

#define QC_ONE_OPERAND(NAME)                                                                       \
    by_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {                                 \
        return insn.kind(0) == Kind::kGpr ? go_on<by_reg<T, NAME<T>>> : go_on<by_mem<T, NAME<T>>>; \
    })

Handler imul_handler(const Insn& insn) {
    bool one_operand = insn.opcode_map == 0 && (insn.opcode & 0xf6) == 0xf6;
    if (one_operand) return QC_ONE_OPERAND(imul);
    return by_wide_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        bool memory = insn.kind(1) == Kind::kMemory;
        if (insn.kind(2) == Kind::kImmediate) {
            return memory ? go_on<imul_mem_imm<T>> : go_on<imul_reg_imm<T>>;
        }
        return memory ? go_on<imul_reg_mem<T>> : go_on<imul_reg_reg<T>>;
    });
}

}  // namespace

Selected select_multiply(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_MUL: op.handler = QC_ONE_OPERAND(mul); break;
        case ZYDIS_MNEMONIC_IMUL: op.handler = imul_handler(insn); break;
        case ZYDIS_MNEMONIC_DIV: op.handler = QC_ONE_OPERAND(div); break;
        case ZYDIS_MNEMONIC_IDIV: op.handler = QC_ONE_OPERAND(idiv); break;
        case ZYDIS_MNEMONIC_DAA: op.handler = go_on<daa>; break;
        case ZYDIS_MNEMONIC_DAS: op.handler = go_on<das>; break;
        case ZYDIS_MNEMONIC_AAA: op.handler = go_on<aaa>; break;
        case ZYDIS_MNEMONIC_AAS: op.handler = go_on<aas>; break;
        case ZYDIS_MNEMONIC_AAM: op.handler = go_on<aam>; break;
        case ZYDIS_MNEMONIC_AAD: op.handler = go_on<aad>; break;
        default: return Selected::kNo;
    }
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
