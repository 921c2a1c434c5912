// SPDX-License-Identifier: GPL-2.0-or-later
//
// BT BTS BTR BTC BSF BSR POPCNT.
#include <Zydis/Mnemonic.h>

#include <bit>

#include "accel/tcg/access.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

struct Bt {
    static constexpr bool kWrites = false;
    template <typename T>
    static T apply(T value, T) {
        return value;
    }
};
struct Bts {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(T value, T bit) {
        return static_cast<T>(value | bit);
    }
};
struct Btr {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(T value, T bit) {
        return static_cast<T>(value & ~bit);
    }
};
struct Btc {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(T value, T bit) {
        return static_cast<T>(value ^ bit);
    }
};

template <typename T, bool kImmediate>
T bit_number(const Cpu& cpu, const Op& op) {
    return kImmediate ? static_cast<T>(op.imm) : get_reg<T>(cpu, op.src);
}

template <typename O, typename T, bool kImmediate>
void test_reg(Cpu& cpu, const Op& op) {
    T number = bit_number<T, kImmediate>(cpu, op) % (sizeof(T) * 8);
    T value = get_reg<T>(cpu, op.dst);
    cpu.flags.set_cf(((value >> number) & 1) != 0);
    if constexpr (O::kWrites)
        set_reg<T>(cpu, op.dst, O::apply(value, static_cast<T>(T{1} << number)));
}

// A register's bit number reaches beyond the operand, in both directions.
template <typename O, typename T, bool kImmediate, bool kLocked>
bool test_mem(Cpu& cpu, const Op& op) {
    T number = bit_number<T, kImmediate>(cpu, op);
    uint64_t offset = effective_address(cpu, op);
    if constexpr (!kImmediate) {
        auto distance =
            static_cast<std::make_signed_t<T>>(number) >> std::countr_zero(sizeof(T) * 8);
        offset += static_cast<uint64_t>(static_cast<int64_t>(distance)) * sizeof(T);
    }
    offset &= kAddressMasks[op.address_size];
    T bit = static_cast<T>(T{1} << (number % (sizeof(T) * 8)));
    T before = 0;
    if constexpr (O::kWrites) {
        if (!update_at<T, kLocked>(cpu, op.seg, offset, [&](T value) {
                before = value;
                return O::apply(value, bit);
            })) {
            return false;
        }
    } else {
        if (!load<T>(cpu, op.seg, offset, before)) return false;
    }
    cpu.flags.set_cf((before & bit) != 0);
    return true;
}

// A zero operand leaves the target as it was: with 32 bits also the upper half of it,
// which processors may clear and those that we compared with do not.
template <typename T, bool kReverse>
void scan(Cpu& cpu, const Op& op, T value) {
    if (value != 0) {
        set_reg<T>(cpu, op.dst,
                   static_cast<T>(kReverse ? sizeof(T) * 8 - 1 -
                                                 static_cast<unsigned>(std::countl_zero(value))
                                           : static_cast<unsigned>(std::countr_zero(value))));
    }
    cpu.flags.set_logic<T>(value != 0 ? T{1} : T{0});
}
template <typename T, bool kReverse>
void scan_reg(Cpu& cpu, const Op& op) {
    scan<T, kReverse>(cpu, op, get_reg<T>(cpu, op.src));
}
template <typename T, bool kReverse>
bool scan_mem(Cpu& cpu, const Op& op) {
    T value;
    if (!load_operand<T>(cpu, op, value)) return false;
    scan<T, kReverse>(cpu, op, value);
    return true;
}

template <typename T>
bool popcnt(Cpu& cpu, const Op& op) {
    T value;
    if (op.extra != 0) {
        if (!load_operand<T>(cpu, op, value)) return false;
    } else {
        value = get_reg<T>(cpu, op.src);
    }
    set_reg<T>(cpu, op.dst, static_cast<T>(std::popcount(value)));
    cpu.flags.set_value(value == 0 ? i386::eflags::kZf : 0);
    return true;
}

template <typename O>
Handler test_handler(const Insn& insn) {
    bool immediate = insn.kind(1) == Kind::kImmediate;
    return by_wide_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        if (insn.kind(0) == Kind::kGpr) {
            return immediate ? go_on<test_reg<O, T, true>> : go_on<test_reg<O, T, false>>;
        }
        if constexpr (!O::kWrites) {
            return immediate ? go_on<test_mem<O, T, true, false>>
                             : go_on<test_mem<O, T, false, false>>;
        } else if (insn.lock) {
            return immediate ? go_on_after_store<test_mem<O, T, true, true>>
                             : go_on_after_store<test_mem<O, T, false, true>>;
        } else {
            return immediate ? go_on_after_store<test_mem<O, T, true, false>>
                             : go_on_after_store<test_mem<O, T, false, false>>;
        }
    });
}

template <bool kReverse>
Handler scan_handler(const Insn& insn) {
    return by_wide_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        return insn.kind(1) == Kind::kGpr ? go_on<scan_reg<T, kReverse>>
                                          : go_on<scan_mem<T, kReverse>>;
    });
}

}  // namespace

Selected select_bits(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_BT: op.handler = test_handler<Bt>(insn); break;
        case ZYDIS_MNEMONIC_BTS: op.handler = test_handler<Bts>(insn); break;
        case ZYDIS_MNEMONIC_BTR: op.handler = test_handler<Btr>(insn); break;
        case ZYDIS_MNEMONIC_BTC: op.handler = test_handler<Btc>(insn); break;
        case ZYDIS_MNEMONIC_BSF: op.handler = scan_handler<false>(insn); break;
        case ZYDIS_MNEMONIC_BSR: op.handler = scan_handler<true>(insn); break;
        case ZYDIS_MNEMONIC_POPCNT:
            op.extra = insn.kind(1) == Kind::kMemory ? 1 : 0;
            op.handler = by_wide_size(insn.operands[0].bytes,
                                      []<typename T>() -> Handler { return go_on<popcnt<T>>; });
            break;
        default: return Selected::kNo;
    }
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
