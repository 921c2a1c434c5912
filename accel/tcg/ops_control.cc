// SPDX-License-Identifier: GPL-2.0-or-later
//
// JMP Jcc CALL RET LOOP JCXZ, near and far; INT INT1 INT3 INTO IRET BOUND; SYSCALL
// SYSRET SYSENTER SYSEXIT.
#include <Zydis/Mnemonic.h>

#include "accel/tcg/conditions.h"
#include "accel/tcg/far_control.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/interrupts.h"
#include "accel/tcg/segmentation.h"
#include "accel/tcg/stack_access.h"
#include "accel/tcg/system_call.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

// `Ip` has 64 bits in 64-bit mode and only there.
template <typename Ip>
[[gnu::always_inline]] inline bool target_allowed(Cpu& cpu, Ip target) {
    if constexpr (sizeof(Ip) == 8) {
        return check_canonical(cpu, target);
    } else {
        if (target <= cpu.seg[i386::kCs].limit) [[likely]]
            return true;
        return raise(cpu, i386::kGeneralProtection, 0);
    }
}

// Goes to a target whose distance is fixed; if it is on this page, straight to the
// block that was found there before.
[[gnu::always_inline]] inline void go_to(Cpu& cpu, uint64_t target, unsigned slot) {
    cpu.rip = target;
    uint64_t linear = (cpu.seg[i386::kCs].base + target) & cpu.linear_mask;
    if (((linear ^ cpu.block_linear) & kPageMask) != 0) return;
    Block* known = cpu.block->chain[slot];
    if (known != nullptr && known->page_offset == (linear & ~kPageMask)) {
        cpu.next = known;
    } else {
        cpu.chain_slot = &cpu.block->chain[slot];
    }
}

// `Ip` is the width to which the instruction pointer is cut.
template <typename Ip>
[[gnu::always_inline]] inline bool jump(Cpu& cpu, const Op& op, unsigned slot) {
    auto target = static_cast<Ip>(cpu.ip_after(op) + static_cast<uint64_t>(op.imm));
    if (!target_allowed(cpu, target)) return false;
    go_to(cpu, target, slot);
    return true;
}

template <typename Ip>
bool jmp(Cpu& cpu, const Op& op) {
    return jump<Ip>(cpu, op, 1);
}

template <unsigned kCondition, typename Ip>
bool jcc(Cpu& cpu, const Op& op) {
    if (condition<kCondition>(cpu.flags)) return jump<Ip>(cpu, op, 1);
    go_to(cpu, cpu.ip_after(op), 0);
    return true;
}

uint64_t counter(const Cpu& cpu, const Op& op) {
    return cpu.gpr[i386::kRcx] & kAddressMasks[op.address_size];
}
void set_counter(Cpu& cpu, const Op& op, uint64_t value) {
    if (op.address_size == kAddress16) {
        set_gpr<uint16_t>(cpu, i386::kRcx, static_cast<uint16_t>(value));
    } else if (op.address_size == kAddress32) {
        set_gpr<uint32_t>(cpu, i386::kRcx, static_cast<uint32_t>(value));
    } else {
        cpu.gpr[i386::kRcx] = value;
    }
}

template <typename Ip>
bool jcxz(Cpu& cpu, const Op& op) {
    if (counter(cpu, op) == 0) return jump<Ip>(cpu, op, 1);
    go_to(cpu, cpu.ip_after(op), 0);
    return true;
}

enum LoopKind : uint8_t { kLoop, kLoopEqual, kLoopNotEqual };
template <LoopKind kKind, typename Ip>
bool loop(Cpu& cpu, const Op& op) {
    uint64_t count = (counter(cpu, op) - 1) & kAddressMasks[op.address_size];
    bool taken = count != 0;
    if (kKind == kLoopEqual) taken &= cpu.flags.zf();
    if (kKind == kLoopNotEqual) taken &= !cpu.flags.zf();
    if (taken) {
        if (!jump<Ip>(cpu, op, 1)) return false;
    } else {
        go_to(cpu, cpu.ip_after(op), 0);
    }
    set_counter(cpu, op, count);
    return true;
}

template <typename T, typename Sp>
bool call_relative(Cpu& cpu, const Op& op) {
    auto target = static_cast<T>(cpu.ip_after(op) + static_cast<uint64_t>(op.imm));
    if (!target_allowed(cpu, target)) return false;
    if (!push<T, Sp>(cpu, static_cast<T>(cpu.ip_after(op)))) return false;
    go_to(cpu, target, 1);
    return true;
}

template <typename T>
[[gnu::always_inline]] inline bool operand_target(Cpu& cpu, const Op& op, T& target) {
    if (op.extra != 0) {
        target = get_reg<T>(cpu, op.dst);
        return true;
    }
    return load_operand<T>(cpu, op, target);
}
template <typename T, typename Sp>
bool call_operand(Cpu& cpu, const Op& op) {
    T target;
    if (!operand_target<T>(cpu, op, target) || !target_allowed(cpu, target)) return false;
    if (!push<T, Sp>(cpu, static_cast<T>(cpu.ip_after(op)))) return false;
    cpu.rip = target;
    return true;
}
template <typename T>
bool jmp_operand(Cpu& cpu, const Op& op) {
    T target;
    if (!operand_target<T>(cpu, op, target) || !target_allowed(cpu, target)) return false;
    cpu.rip = target;
    return true;
}

template <typename T, typename Sp>
bool ret(Cpu& cpu, const Op& op) {
    T target;
    if (!peek<T, Sp>(cpu, target) || !target_allowed(cpu, target)) return false;
    move_stack<Sp>(cpu, sizeof(T) + static_cast<uint16_t>(op.imm));
    cpu.rip = target;
    return true;
}

// Far pointers: in the instruction, or in memory with the offset first.
template <typename T>
bool load_far_pointer(Cpu& cpu, const Op& op, T& offset, uint16_t& selector) {
    uint64_t at = effective_address(cpu, op);
    return load<T>(cpu, op.seg, at, offset) &&
           load<uint16_t>(cpu, op.seg, (at + sizeof(T)) & kAddressMasks[op.address_size], selector);
}

template <typename T, bool kCall>
bool far_direct(Cpu& cpu, const Op& op) {
    auto offset = static_cast<T>(op.imm);
    return kCall ? far_call(cpu, op.extra, offset, sizeof(T), cpu.ip_after(op))
                 : far_jump(cpu, op.extra, offset, sizeof(T), cpu.ip_after(op));
}
template <typename T, bool kCall>
bool far_indirect(Cpu& cpu, const Op& op) {
    T offset;
    uint16_t selector = 0;
    if (!load_far_pointer<T>(cpu, op, offset, selector)) return false;
    return kCall ? far_call(cpu, selector, offset, sizeof(T), cpu.ip_after(op))
                 : far_jump(cpu, selector, offset, sizeof(T), cpu.ip_after(op));
}
template <typename T>
bool ret_far(Cpu& cpu, const Op& op) {
    return far_return(cpu, sizeof(T), static_cast<uint16_t>(op.imm));
}
template <typename T>
bool iret(Cpu& cpu, const Op& op) {
    return interrupt_return(cpu, sizeof(T), cpu.ip_after(op));
}

// A software interrupt returns behind itself, but a fault on the way to its handler
// is its own.
bool software_interrupt(Cpu& cpu, const Op& op, uint8_t vector, EventSource source) {
    cpu.rip = cpu.ip_after(op);
    if (!deliver_event(cpu, {.vector = vector, .source = source})) return false;
    cpu.trap_handled = true;
    update_request_mask(cpu);
    return true;
}
bool int_n(Cpu& cpu, const Op& op) {
    return software_interrupt(cpu, op, static_cast<uint8_t>(op.imm), EventSource::kSoftware);
}
bool int3(Cpu& cpu, const Op& op) {
    return software_interrupt(cpu, op, i386::kBreakpoint, EventSource::kSoftware);
}
bool int1(Cpu& cpu, const Op& op) {
    return software_interrupt(cpu, op, i386::kDebug, EventSource::kIcebp);
}
bool into(Cpu& cpu, const Op& op) {
    if (cpu.flags.of()) {
        return software_interrupt(cpu, op, i386::kOverflow, EventSource::kSoftware);
    }
    cpu.rip = cpu.ip_after(op);
    return true;
}

template <typename T>
bool bound(Cpu& cpu, const Op& op) {
    using S = std::make_signed_t<T>;
    uint64_t at = effective_address(cpu, op);
    T low;
    T high;
    if (!load<T>(cpu, op.seg, at, low) ||
        !load<T>(cpu, op.seg, (at + sizeof(T)) & kAddressMasks[op.address_size], high)) {
        return false;
    }
    auto index = static_cast<S>(get_reg<T>(cpu, op.dst));
    if (index < static_cast<S>(low) || index > static_cast<S>(high)) {
        return raise(cpu, i386::kBoundRange);
    }
    return true;
}

bool syscall(Cpu& cpu, const Op& op) {
    return system_call(cpu, cpu.ip_after(op));
}
// extra: operand size.
bool sysret(Cpu& cpu, const Op& op) {
    return system_return(cpu, op.extra);
}
bool sysenter(Cpu& cpu, const Op&) {
    return system_enter(cpu);
}
bool sysexit(Cpu& cpu, const Op& op) {
    return system_exit(cpu, op.extra);
}

bool fall_through(Cpu& cpu, const Op& op) {
    go_to(cpu, cpu.ip_of(op), 0);
    return true;
}

template <typename Choose>
Handler by_ip(const Insn& insn, Choose choose) {
    if ((insn.mode & kModeCode64) != 0) return choose.template operator()<uint64_t>();
    return insn.operand_bytes == 2 ? choose.template operator()<uint16_t>()
                                   : choose.template operator()<uint32_t>();
}

bool is_far_memory(const Insn& insn) {
    return insn.opcode == 0xff && insn.opcode_map == 0 &&
           (insn.modrm_reg == 3 || insn.modrm_reg == 5);
}

// Near branches have 64-bit operands in 64-bit mode, whatever their prefixes say.
unsigned near_bytes(const Insn& insn) {
    return (insn.mode & kModeCode64) != 0 ? 8 : insn.operand_bytes;
}

Handler far_handler(const Insn& insn, bool call) {
    bool direct = insn.kind(0) == Kind::kFarPointer;
    return by_wide_size(insn.operand_bytes, [&]<typename T>() -> Handler {
        if (call) return direct ? branch<far_direct<T, true>> : branch<far_indirect<T, true>>;
        return direct ? branch<far_direct<T, false>> : branch<far_indirect<T, false>>;
    });
}

Handler jmp_handler(const Insn& insn, Op& op) {
    if (insn.kind(0) == Kind::kFarPointer || is_far_memory(insn)) return far_handler(insn, false);
    if (insn.kind(0) == Kind::kImmediate) {
        return by_ip(insn, []<typename T>() -> Handler { return branch<jmp<T>>; });
    }
    op.extra = insn.kind(0) == Kind::kGpr ? 1 : 0;
    return by_ip(insn, []<typename T>() -> Handler { return branch<jmp_operand<T>>; });
}

Handler call_handler(const Insn& insn, Op& op) {
    if (insn.kind(0) == Kind::kFarPointer || is_far_memory(insn)) return far_handler(insn, true);
    if (insn.kind(0) == Kind::kImmediate) {
        return by_stack(insn, near_bytes(insn), []<typename T, typename Sp>() -> Handler {
            return branch<call_relative<T, Sp>>;
        });
    }
    op.extra = insn.kind(0) == Kind::kGpr ? 1 : 0;
    return by_stack(insn, near_bytes(insn), []<typename T, typename Sp>() -> Handler {
        return branch<call_operand<T, Sp>>;
    });
}

Handler ret_handler(const Insn& insn) {
    // C2, C3 near; CA, CB far.
    if ((insn.opcode & 8) != 0) {
        return by_wide_size(insn.operand_bytes,
                            []<typename T>() -> Handler { return branch<ret_far<T>>; });
    }
    return by_stack(insn, near_bytes(insn),
                    []<typename T, typename Sp>() -> Handler { return branch<ret<T, Sp>>; });
}

template <LoopKind kKind>
Handler loop_handler(const Insn& insn) {
    return by_ip(insn, []<typename T>() -> Handler { return branch<loop<kKind, T>>; });
}

bool is_conditional_jump(const Insn& insn) {
    return (insn.opcode_map == 0 && (insn.opcode & 0xf0) == 0x70) ||
           (insn.opcode_map == 1 && (insn.opcode & 0xf0) == 0x80);
}

}  // namespace

Handler fall_through_handler() {
    return branch<fall_through>;
}

Selected select_control(const Insn& insn, Op& op) {
    if (is_conditional_jump(insn)) {
        op.handler = by_ip(insn, [&]<typename T>() -> Handler {
            return by_condition(insn.opcode & 0xf, []<unsigned kCondition>() -> Handler {
                return branch<jcc<kCondition, T>>;
            });
        });
        return Selected::kEndsBlock;
    }
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_JMP: op.handler = jmp_handler(insn, op); break;
        case ZYDIS_MNEMONIC_CALL: op.handler = call_handler(insn, op); break;
        case ZYDIS_MNEMONIC_RET: op.handler = ret_handler(insn); break;
        case ZYDIS_MNEMONIC_JCXZ:
        case ZYDIS_MNEMONIC_JECXZ:
        case ZYDIS_MNEMONIC_JRCXZ:
            op.handler = by_ip(insn, []<typename T>() -> Handler { return branch<jcxz<T>>; });
            break;
        case ZYDIS_MNEMONIC_LOOP: op.handler = loop_handler<kLoop>(insn); break;
        case ZYDIS_MNEMONIC_LOOPE: op.handler = loop_handler<kLoopEqual>(insn); break;
        case ZYDIS_MNEMONIC_LOOPNE: op.handler = loop_handler<kLoopNotEqual>(insn); break;
        case ZYDIS_MNEMONIC_INT: op.handler = branch<int_n>; break;
        case ZYDIS_MNEMONIC_INT3: op.handler = branch<int3>; break;
        case ZYDIS_MNEMONIC_INT1: op.handler = branch<int1>; break;
        case ZYDIS_MNEMONIC_INTO: op.handler = branch<into>; break;
        case ZYDIS_MNEMONIC_IRET: op.handler = branch<iret<uint16_t>>; break;
        case ZYDIS_MNEMONIC_IRETD: op.handler = branch<iret<uint32_t>>; break;
        case ZYDIS_MNEMONIC_IRETQ: op.handler = branch<iret<uint64_t>>; break;
        case ZYDIS_MNEMONIC_SYSCALL: op.handler = branch<syscall>; break;
        case ZYDIS_MNEMONIC_SYSENTER: op.handler = branch<sysenter>; break;
        case ZYDIS_MNEMONIC_SYSRET:
        case ZYDIS_MNEMONIC_SYSEXIT:
            op.extra = static_cast<uint16_t>(insn.operand_bytes);
            op.handler = insn.mnemonic == ZYDIS_MNEMONIC_SYSRET ? branch<sysret> : branch<sysexit>;
            break;
        case ZYDIS_MNEMONIC_BOUND:
            op.handler = insn.operand_bytes == 2 ? go_on<bound<uint16_t>> : go_on<bound<uint32_t>>;
            return Selected::kYes;
        default: return Selected::kNo;
    }
    return Selected::kEndsBlock;
}

}  // namespace qc::accel::tcg
