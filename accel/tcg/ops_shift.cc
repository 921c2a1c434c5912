// SPDX-License-Identifier: GPL-2.0-or-later
//
// ROL ROR RCL RCR SHL SHR SAR SHLD SHRD. Where the manual leaves OF undefined
// (counts other than 1) the formula of count 1 is used.
#include <Zydis/Mnemonic.h>

#include "accel/tcg/access.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

template <typename T>
constexpr unsigned kBits = sizeof(T) * 8;
template <typename T>
constexpr unsigned kCountMask = sizeof(T) == 8 ? 0x3f : 0x1f;

template <typename T>
bool top_bit(T value) {
    return (value >> (kBits<T> - 1)) != 0;
}

// Each: `count` is masked and not zero.
struct Shl {
    template <typename T>
    static T apply(LazyFlags& flags, T value, unsigned count) {
        T r = count < kBits<T> ? static_cast<T>(value << count) : T{0};
        bool carry = count <= kBits<T> && ((value >> (kBits<T> - count)) & 1) != 0;
        flags.set_shift<T>(r, carry, top_bit(r) != carry);
        return r;
    }
};
struct Shr {
    template <typename T>
    static T apply(LazyFlags& flags, T value, unsigned count) {
        T r = count < kBits<T> ? static_cast<T>(value >> count) : T{0};
        bool carry = count <= kBits<T> && ((value >> (count - 1)) & 1) != 0;
        flags.set_shift<T>(r, carry, top_bit(value));
        return r;
    }
};
struct Sar {
    template <typename T>
    static T apply(LazyFlags& flags, T value, unsigned count) {
        auto wide = static_cast<int64_t>(LazyFlags::extend<T>(value));
        T r = static_cast<T>(wide >> count);
        flags.set_shift<T>(r, ((wide >> (count - 1)) & 1) != 0, false);
        return r;
    }
};
struct Rol {
    template <typename T>
    static T apply(LazyFlags& flags, T value, unsigned count) {
        unsigned n = count % kBits<T>;
        T r = n == 0 ? value : static_cast<T>((value << n) | (value >> (kBits<T> - n)));
        bool carry = (r & 1) != 0;
        flags.set_cf_of(carry, top_bit(r) != carry);
        return r;
    }
};
struct Ror {
    template <typename T>
    static T apply(LazyFlags& flags, T value, unsigned count) {
        unsigned n = count % kBits<T>;
        T r = n == 0 ? value : static_cast<T>((value >> n) | (value << (kBits<T> - n)));
        bool carry = top_bit(r);
        flags.set_cf_of(carry, carry != (((r >> (kBits<T> - 2)) & 1) != 0));
        return r;
    }
};
struct Rcl {
    template <typename T>
    static T apply(LazyFlags& flags, T value, unsigned count) {
        unsigned n = count % (kBits<T> + 1);
        if (n == 0) return value;
        bool carry = flags.cf();
        T r = value;
        for (; n > 0; --n) {
            bool out = top_bit(r);
            r = static_cast<T>((r << 1) | (carry ? 1 : 0));
            carry = out;
        }
        flags.set_cf_of(carry, top_bit(r) != carry);
        return r;
    }
};
struct Rcr {
    template <typename T>
    static T apply(LazyFlags& flags, T value, unsigned count) {
        unsigned n = count % (kBits<T> + 1);
        if (n == 0) return value;
        bool carry = flags.cf();
        T r = value;
        for (; n > 0; --n) {
            bool out = (r & 1) != 0;
            r = static_cast<T>((r >> 1) | (carry ? T{1} << (kBits<T> - 1) : T{0}));
            carry = out;
        }
        flags.set_cf_of(carry, top_bit(r) != (((r >> (kBits<T> - 2)) & 1) != 0));
        return r;
    }
};

template <typename O, typename T>
[[gnu::always_inline]] inline void shift_reg(Cpu& cpu, const Op& op, unsigned count) {
    T value = get_reg<T>(cpu, op.dst);
    count &= kCountMask<T>;
    set_reg<T>(cpu, op.dst, count == 0 ? value : O::template apply<T>(cpu.flags, value, count));
}
template <typename O, typename T>
void shift_reg_imm(Cpu& cpu, const Op& op) {
    shift_reg<O, T>(cpu, op, static_cast<unsigned>(op.imm));
}
template <typename O, typename T>
void shift_reg_cl(Cpu& cpu, const Op& op) {
    shift_reg<O, T>(cpu, op, gpr<uint8_t>(cpu, i386::kRcx));
}

template <typename O, typename T>
[[gnu::always_inline]] inline bool shift_mem(Cpu& cpu, const Op& op, unsigned count) {
    LazyFlags after = cpu.flags;
    count &= kCountMask<T>;
    bool done = update_operand<T, false>(cpu, op, [&](T value) {
        return count == 0 ? value : O::template apply<T>(after, value, count);
    });
    if (done) cpu.flags = after;
    return done;
}
template <typename O, typename T>
bool shift_mem_imm(Cpu& cpu, const Op& op) {
    return shift_mem<O, T>(cpu, op, static_cast<unsigned>(op.imm));
}
template <typename O, typename T>
bool shift_mem_cl(Cpu& cpu, const Op& op) {
    return shift_mem<O, T>(cpu, op, gpr<uint8_t>(cpu, i386::kRcx));
}

// The double shifts. A 16-bit one with a count above 16 is undefined; processors
// shift the first operand in again behind the second.
struct Shld {
    template <typename T>
    static T apply(LazyFlags& flags, T value, T fill, unsigned count) {
        T r;
        bool carry;
        if (sizeof(T) == 2 && count > 16) {
            r = static_cast<T>((fill << (count - 16)) | (value >> (32 - count)));
            carry = ((fill >> (32 - count)) & 1) != 0;
        } else {
            r = static_cast<T>((value << count % kBits<T>) | (fill >> (kBits<T> - count)));
            if (count == kBits<T>) r = fill;
            carry = ((value >> (kBits<T> - count)) & 1) != 0;
        }
        flags.set_shift<T>(r, carry, top_bit(r) != top_bit(value));
        return r;
    }
};
struct Shrd {
    template <typename T>
    static T apply(LazyFlags& flags, T value, T fill, unsigned count) {
        T r;
        bool carry;
        if (sizeof(T) == 2 && count > 16) {
            r = static_cast<T>((fill >> (count - 16)) | (value << (32 - count)));
            carry = ((fill >> (count - 17)) & 1) != 0;
        } else {
            r = static_cast<T>((value >> count % kBits<T>) | (fill << (kBits<T> - count)));
            if (count == kBits<T>) r = fill;
            carry = ((value >> (count - 1)) & 1) != 0;
        }
        flags.set_shift<T>(r, carry, top_bit(r) != top_bit(value));
        return r;
    }
};

template <typename O, typename T, bool kByCl>
bool double_shift(Cpu& cpu, const Op& op) {
    unsigned count = kByCl ? gpr<uint8_t>(cpu, i386::kRcx) : static_cast<unsigned>(op.imm);
    count &= kCountMask<T>;
    LazyFlags after = cpu.flags;
    T fill = get_reg<T>(cpu, op.src);
    bool done = update_operand<T, false>(cpu, op, [&](T value) {
        return count == 0 ? value : O::template apply<T>(after, value, fill, count);
    });
    if (done) cpu.flags = after;
    return done;
}
template <typename O, typename T, bool kByCl>
void double_shift_reg(Cpu& cpu, const Op& op) {
    unsigned count = kByCl ? gpr<uint8_t>(cpu, i386::kRcx) : static_cast<unsigned>(op.imm);
    count &= kCountMask<T>;
    T value = get_reg<T>(cpu, op.dst);
    T fill = get_reg<T>(cpu, op.src);
    set_reg<T>(cpu, op.dst,
               count == 0 ? value : O::template apply<T>(cpu.flags, value, fill, count));
}

template <typename O>
Handler shift_handler(const Insn& insn) {
    bool by_cl = insn.kind(1) == Kind::kGpr;
    return by_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        if (insn.kind(0) == Kind::kGpr) {
            return by_cl ? go_on<shift_reg_cl<O, T>> : go_on<shift_reg_imm<O, T>>;
        }
        return by_cl ? go_on_after_store<shift_mem_cl<O, T>>
                     : go_on_after_store<shift_mem_imm<O, T>>;
    });
}

template <typename O>
Handler double_shift_handler(const Insn& insn) {
    bool by_cl = insn.kind(2) == Kind::kGpr;
    return by_wide_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        if (insn.kind(0) == Kind::kGpr) {
            return by_cl ? go_on<double_shift_reg<O, T, true>>
                         : go_on<double_shift_reg<O, T, false>>;
        }
        return by_cl ? go_on_after_store<double_shift<O, T, true>>
                     : go_on_after_store<double_shift<O, T, false>>;
    });
}

}  // namespace

Selected select_shift(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_ROL: op.handler = shift_handler<Rol>(insn); break;
        case ZYDIS_MNEMONIC_ROR: op.handler = shift_handler<Ror>(insn); break;
        case ZYDIS_MNEMONIC_RCL: op.handler = shift_handler<Rcl>(insn); break;
        case ZYDIS_MNEMONIC_RCR: op.handler = shift_handler<Rcr>(insn); break;
        case ZYDIS_MNEMONIC_SHL: op.handler = shift_handler<Shl>(insn); break;
        case ZYDIS_MNEMONIC_SHR: op.handler = shift_handler<Shr>(insn); break;
        case ZYDIS_MNEMONIC_SAR: op.handler = shift_handler<Sar>(insn); break;
        case ZYDIS_MNEMONIC_SHLD: op.handler = double_shift_handler<Shld>(insn); break;
        case ZYDIS_MNEMONIC_SHRD: op.handler = double_shift_handler<Shrd>(insn); break;
        default: return Selected::kNo;
    }
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
