// SPDX-License-Identifier: GPL-2.0-or-later
//
// ADD OR ADC SBB AND SUB XOR CMP TEST INC DEC NEG NOT XADD CMPXCHG CMPXCHG8B/16B.
#include <Zydis/Mnemonic.h>

#include "accel/tcg/access.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

// The operations: result of a and b, flags as a side effect.
struct Add {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(LazyFlags& flags, T a, T b) {
        T r = static_cast<T>(a + b);
        flags.set_add<T>(a, b, r);
        return r;
    }
};
struct Adc {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(LazyFlags& flags, T a, T b) {
        T r = static_cast<T>(a + b + (flags.cf() ? 1 : 0));
        flags.set_add<T>(a, b, r);
        return r;
    }
};
struct Sub {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(LazyFlags& flags, T a, T b) {
        T r = static_cast<T>(a - b);
        flags.set_sub<T>(a, b, r);
        return r;
    }
};
struct Sbb {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(LazyFlags& flags, T a, T b) {
        T r = static_cast<T>(a - b - (flags.cf() ? 1 : 0));
        flags.set_sub<T>(a, b, r);
        return r;
    }
};
struct Cmp : Sub {
    static constexpr bool kWrites = false;
};
struct And {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(LazyFlags& flags, T a, T b) {
        T r = static_cast<T>(a & b);
        flags.set_logic<T>(r);
        return r;
    }
};
struct Test : And {
    static constexpr bool kWrites = false;
};
struct Or {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(LazyFlags& flags, T a, T b) {
        T r = static_cast<T>(a | b);
        flags.set_logic<T>(r);
        return r;
    }
};
struct Xor {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(LazyFlags& flags, T a, T b) {
        T r = static_cast<T>(a ^ b);
        flags.set_logic<T>(r);
        return r;
    }
};
// Unary ones; b is ignored.
struct Inc {
    template <typename T>
    static T apply(LazyFlags& flags, T a) {
        bool carry = flags.cf();
        T r = static_cast<T>(a + 1);
        flags.set_add<T>(a, 1, r);
        flags.set_cf(carry);
        return r;
    }
};
struct Dec {
    template <typename T>
    static T apply(LazyFlags& flags, T a) {
        bool carry = flags.cf();
        T r = static_cast<T>(a - 1);
        flags.set_sub<T>(a, 1, r);
        flags.set_cf(carry);
        return r;
    }
};
struct Neg {
    template <typename T>
    static T apply(LazyFlags& flags, T a) {
        T r = static_cast<T>(0 - a);
        flags.set_sub<T>(0, a, r);
        return r;
    }
};
struct Not {
    template <typename T>
    static T apply(LazyFlags&, T a) {
        return static_cast<T>(~a);
    }
};

template <typename O, typename T>
void reg_reg(Cpu& cpu, const Op& op) {
    T r = O::template apply<T>(cpu.flags, get_reg<T>(cpu, op.dst), get_reg<T>(cpu, op.src));
    if constexpr (O::kWrites) set_reg<T>(cpu, op.dst, r);
}

template <typename O, typename T>
void reg_imm(Cpu& cpu, const Op& op) {
    T r = O::template apply<T>(cpu.flags, get_reg<T>(cpu, op.dst), static_cast<T>(op.imm));
    if constexpr (O::kWrites) set_reg<T>(cpu, op.dst, r);
}

template <typename O, typename T>
bool reg_mem(Cpu& cpu, const Op& op) {
    T b;
    if (!load_operand<T>(cpu, op, b)) return false;
    T r = O::template apply<T>(cpu.flags, get_reg<T>(cpu, op.dst), b);
    if constexpr (O::kWrites) set_reg<T>(cpu, op.dst, r);
    return true;
}

// Memory and `b`: flags are committed once the store is known to have worked.
template <typename O, typename T, bool kLocked>
[[gnu::always_inline]] inline bool mem_value(Cpu& cpu, const Op& op, T b) {
    if constexpr (!O::kWrites) {
        T a;
        if (!load_operand<T>(cpu, op, a)) return false;
        O::template apply<T>(cpu.flags, a, b);
        return true;
    } else {
        LazyFlags after;
        bool done = update_operand<T, kLocked>(cpu, op, [&](T a) {
            after = cpu.flags;
            return O::template apply<T>(after, a, b);
        });
        if (done) cpu.flags = after;
        return done;
    }
}

template <typename O, typename T, bool kLocked>
bool mem_reg(Cpu& cpu, const Op& op) {
    return mem_value<O, T, kLocked>(cpu, op, get_reg<T>(cpu, op.src));
}

template <typename O, typename T, bool kLocked>
bool mem_imm(Cpu& cpu, const Op& op) {
    return mem_value<O, T, kLocked>(cpu, op, static_cast<T>(op.imm));
}

template <typename O, typename T>
void unary_reg(Cpu& cpu, const Op& op) {
    set_reg<T>(cpu, op.dst, O::template apply<T>(cpu.flags, get_reg<T>(cpu, op.dst)));
}

template <typename O, typename T, bool kLocked>
bool unary_mem(Cpu& cpu, const Op& op) {
    LazyFlags after;
    bool done = update_operand<T, kLocked>(cpu, op, [&](T a) {
        after = cpu.flags;
        return O::template apply<T>(after, a);
    });
    if (done) cpu.flags = after;
    return done;
}

template <typename T>
void xadd_reg(Cpu& cpu, const Op& op) {
    T a = get_reg<T>(cpu, op.dst);
    T b = get_reg<T>(cpu, op.src);
    T r = Add::apply<T>(cpu.flags, a, b);
    set_reg<T>(cpu, op.src, a);
    set_reg<T>(cpu, op.dst, r);
}

template <typename T, bool kLocked>
bool xadd_mem(Cpu& cpu, const Op& op) {
    T b = get_reg<T>(cpu, op.src);
    T before = 0;
    LazyFlags after;
    if (!update_operand<T, kLocked>(cpu, op, [&](T a) {
            before = a;
            return Add::apply<T>(after, a, b);
        })) {
        return false;
    }
    cpu.flags = after;
    set_reg<T>(cpu, op.src, before);
    return true;
}

template <typename T>
void cmpxchg_reg(Cpu& cpu, const Op& op) {
    T expected = gpr<T>(cpu, i386::kRax);
    T found = get_reg<T>(cpu, op.dst);
    Sub::apply<T>(cpu.flags, expected, found);
    if (expected == found) {
        set_reg<T>(cpu, op.dst, get_reg<T>(cpu, op.src));
    } else {
        set_gpr<T>(cpu, i386::kRax, found);
    }
}

template <typename T, bool kLocked>
bool cmpxchg_mem(Cpu& cpu, const Op& op) {
    T expected = gpr<T>(cpu, i386::kRax);
    T replacement = get_reg<T>(cpu, op.src);
    T found = 0;
    // The memory is written in any case, with what it holds if they differ.
    if (!update_operand<T, kLocked>(cpu, op, [&](T a) {
            found = a;
            return a == expected ? replacement : a;
        })) {
        return false;
    }
    Sub::apply<T>(cpu.flags, expected, found);
    if (found != expected) set_gpr<T>(cpu, i386::kRax, found);
    return true;
}

bool cmpxchg8b(Cpu& cpu, const Op& op) {
    uint64_t expected =
        gpr<uint32_t>(cpu, i386::kRax) | (uint64_t{gpr<uint32_t>(cpu, i386::kRdx)} << 32);
    uint64_t replacement =
        gpr<uint32_t>(cpu, i386::kRbx) | (uint64_t{gpr<uint32_t>(cpu, i386::kRcx)} << 32);
    uint64_t found = 0;
    if (!update_operand<uint64_t, true>(cpu, op, [&](uint64_t a) {
            found = a;
            return a == expected ? replacement : a;
        })) {
        return false;
    }
    cpu.flags.set_zf(found == expected);
    if (found != expected) {
        set_gpr<uint32_t>(cpu, i386::kRax, static_cast<uint32_t>(found));
        set_gpr<uint32_t>(cpu, i386::kRdx, static_cast<uint32_t>(found >> 32));
    }
    return true;
}

bool cmpxchg16b(Cpu& cpu, const Op& op) {
    uint64_t offset = effective_address(cpu, op);
    uint64_t linear = 0;
    if (!segment_to_linear(cpu, op.seg, offset, 16, Access::kWrite, linear)) return false;
    if (linear % 16 != 0) return raise(cpu, i386::kGeneralProtection, 0);
    Pair expected{.low = cpu.gpr[i386::kRax], .high = cpu.gpr[i386::kRdx]};
    Pair replacement{.low = cpu.gpr[i386::kRbx], .high = cpu.gpr[i386::kRcx]};
    Pair found{};
    if (!update_at<Pair, true>(cpu, op.seg, offset, [&](const Pair& value) {
            found = value;
            return value == expected ? replacement : value;
        })) {
        return false;
    }
    cpu.flags.set_zf(found == expected);
    if (found == expected) return true;
    cpu.gpr[i386::kRax] = found.low;
    cpu.gpr[i386::kRdx] = found.high;
    return true;
}

template <typename O>
Handler binary_handler(const Insn& insn) {
    unsigned bytes = insn.operands[0].bytes;
    bool register_target = insn.kind(0) == Kind::kGpr;
    return by_size(bytes, [&]<typename T>() -> Handler {
        if (register_target) {
            if (insn.kind(1) == Kind::kGpr) return go_on<reg_reg<O, T>>;
            if (insn.kind(1) == Kind::kImmediate) return go_on<reg_imm<O, T>>;
            return go_on<reg_mem<O, T>>;
        }
        bool immediate = insn.kind(1) == Kind::kImmediate;
        if constexpr (!O::kWrites) {
            return immediate ? go_on<mem_imm<O, T, false>> : go_on<mem_reg<O, T, false>>;
        } else if (insn.lock) {
            return immediate ? go_on_after_store<mem_imm<O, T, true>>
                             : go_on_after_store<mem_reg<O, T, true>>;
        } else {
            return immediate ? go_on_after_store<mem_imm<O, T, false>>
                             : go_on_after_store<mem_reg<O, T, false>>;
        }
    });
}

template <typename O>
Handler unary_handler(const Insn& insn) {
    return by_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        if (insn.kind(0) == Kind::kGpr) return go_on<unary_reg<O, T>>;
        return insn.lock ? go_on_after_store<unary_mem<O, T, true>>
                         : go_on_after_store<unary_mem<O, T, false>>;
    });
}

Handler xadd_handler(const Insn& insn) {
    return by_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        if (insn.kind(0) == Kind::kGpr) return go_on<xadd_reg<T>>;
        return insn.lock ? go_on_after_store<xadd_mem<T, true>>
                         : go_on_after_store<xadd_mem<T, false>>;
    });
}

Handler cmpxchg_handler(const Insn& insn) {
    return by_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        if (insn.kind(0) == Kind::kGpr) return go_on<cmpxchg_reg<T>>;
        return insn.lock ? go_on_after_store<cmpxchg_mem<T, true>>
                         : go_on_after_store<cmpxchg_mem<T, false>>;
    });
}

}  // namespace

Selected select_alu(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_ADD: op.handler = binary_handler<Add>(insn); break;
        case ZYDIS_MNEMONIC_OR: op.handler = binary_handler<Or>(insn); break;
        case ZYDIS_MNEMONIC_ADC: op.handler = binary_handler<Adc>(insn); break;
        case ZYDIS_MNEMONIC_SBB: op.handler = binary_handler<Sbb>(insn); break;
        case ZYDIS_MNEMONIC_AND: op.handler = binary_handler<And>(insn); break;
        case ZYDIS_MNEMONIC_SUB: op.handler = binary_handler<Sub>(insn); break;
        case ZYDIS_MNEMONIC_XOR: op.handler = binary_handler<Xor>(insn); break;
        case ZYDIS_MNEMONIC_CMP: op.handler = binary_handler<Cmp>(insn); break;
        case ZYDIS_MNEMONIC_TEST: op.handler = binary_handler<Test>(insn); break;
        case ZYDIS_MNEMONIC_INC: op.handler = unary_handler<Inc>(insn); break;
        case ZYDIS_MNEMONIC_DEC: op.handler = unary_handler<Dec>(insn); break;
        case ZYDIS_MNEMONIC_NEG: op.handler = unary_handler<Neg>(insn); break;
        case ZYDIS_MNEMONIC_NOT: op.handler = unary_handler<Not>(insn); break;
        case ZYDIS_MNEMONIC_XADD: op.handler = xadd_handler(insn); break;
        case ZYDIS_MNEMONIC_CMPXCHG: op.handler = cmpxchg_handler(insn); break;
        case ZYDIS_MNEMONIC_CMPXCHG8B: op.handler = go_on_after_store<cmpxchg8b>; break;
        case ZYDIS_MNEMONIC_CMPXCHG16B: op.handler = go_on_after_store<cmpxchg16b>; break;
        default: return Selected::kNo;
    }
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
