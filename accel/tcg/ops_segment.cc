// SPDX-License-Identifier: GPL-2.0-or-later
//
// MOV, PUSH, POP of segment registers, LDS LES LFS LGS LSS, ARPL LAR LSL VERR VERW,
// LLDT LTR SLDT STR.
#include <Zydis/Mnemonic.h>

#include <algorithm>

#include "accel/tcg/insn.h"
#include "accel/tcg/segmentation.h"
#include "accel/tcg/stack_access.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;
using i386::Descriptor;
using i386::SystemType;

// Loading SS holds interrupts and traps back for one instruction.
void shadow_after_ss(Cpu& cpu, unsigned segment) {
    if (segment != i386::kSs) return;
    cpu.shadow_mov_ss = true;
    update_request_mask(cpu);
}

template <bool kMemory>
bool operand16(Cpu& cpu, const Op& op, uint8_t reg, uint16_t& value) {
    if constexpr (kMemory) {
        return load_operand<uint16_t>(cpu, op, value);
    } else {
        value = get_reg<uint16_t>(cpu, reg);
        return true;
    }
}

// dst: segment register.
template <bool kMemory>
bool mov_to_segment(Cpu& cpu, const Op& op) {
    uint16_t selector = 0;
    if (!operand16<kMemory>(cpu, op, op.src, selector)) return false;
    if (!load_segment(cpu, op.dst, selector)) return false;
    shadow_after_ss(cpu, op.dst);
    return true;
}
template <typename T>
void mov_from_segment(Cpu& cpu, const Op& op) {
    set_reg<T>(cpu, op.dst, cpu.seg[op.src].selector);
}
bool mov_from_segment_mem(Cpu& cpu, const Op& op) {
    return store_operand<uint16_t>(cpu, op, cpu.seg[op.src].selector);
}

template <typename T, typename Sp>
bool push_segment(Cpu& cpu, const Op& op) {
    return push<T, Sp>(cpu, cpu.seg[op.dst].selector);
}
template <typename T, typename Sp>
bool pop_segment(Cpu& cpu, const Op& op) {
    T value;
    if (!peek<T, Sp>(cpu, value)) return false;
    if (!load_segment(cpu, op.dst, static_cast<uint16_t>(value))) return false;
    move_stack<Sp>(cpu, sizeof(T));
    shadow_after_ss(cpu, op.dst);
    return true;
}

// LDS and its like; extra: segment register.
template <typename T>
bool load_pointer(Cpu& cpu, const Op& op) {
    uint64_t at = effective_address(cpu, op);
    T offset;
    uint16_t selector = 0;
    if (!load<T>(cpu, op.seg, at, offset) ||
        !load<uint16_t>(cpu, op.seg, (at + sizeof(T)) & kAddressMasks[op.address_size], selector) ||
        !load_segment(cpu, op.extra, selector)) {
        return false;
    }
    set_reg<T>(cpu, op.dst, offset);
    return true;
}

bool arpl_apply(Cpu& cpu, const Op& op, uint16_t& value) {
    uint16_t wanted = rpl_of(get_reg<uint16_t>(cpu, op.src));
    bool raised = rpl_of(value) < wanted;
    if (raised) value = static_cast<uint16_t>((value & 0xfffc) | wanted);
    return raised;
}
bool arpl_mem(Cpu& cpu, const Op& op) {
    bool raised = false;
    if (!update_operand<uint16_t, false>(cpu, op, [&](uint16_t value) {
            raised = arpl_apply(cpu, op, value);
            return value;
        })) {
        return false;
    }
    cpu.flags.set_zf(raised);
    return true;
}
void arpl_reg(Cpu& cpu, const Op& op) {
    auto value = get_reg<uint16_t>(cpu, op.dst);
    bool raised = arpl_apply(cpu, op, value);
    set_reg<uint16_t>(cpu, op.dst, value);
    cpu.flags.set_zf(raised);
}

// LAR, LSL, VERR and VERW ask whether a selector could be used; a bad one is no
// fault, but memory under the table may be. `usable` is false for a bad one.
bool inspect(Cpu& cpu, uint16_t selector, Descriptor& descriptor, bool& usable) {
    uint64_t linear = 0;
    usable = !is_null(selector) && descriptor_address(cpu, selector, linear);
    return !usable || load_system(cpu, linear, descriptor.raw);
}
bool level_allows(const Cpu& cpu, uint16_t selector, const Descriptor& descriptor) {
    if (descriptor.is_code() && descriptor.conforming()) return true;
    return descriptor.dpl() >= std::max<unsigned>(cpu.cpl, rpl_of(selector));
}

constexpr uint32_t type_bit(SystemType type) {
    return 1u << type;
}
constexpr uint32_t kTypesWithLimit = type_bit(SystemType::kTss16Available) |
                                     type_bit(SystemType::kLdt) | type_bit(SystemType::kTss16Busy) |
                                     type_bit(SystemType::kTss32Available) |
                                     type_bit(SystemType::kTss32Busy);
constexpr uint32_t kTypesWithRights = kTypesWithLimit | type_bit(SystemType::kCallGate16) |
                                      type_bit(SystemType::kTaskGate) |
                                      type_bit(SystemType::kCallGate32);
// In long mode those with 64-bit meaning are left.
constexpr uint32_t kLongTypesWithLimit = type_bit(SystemType::kLdt) |
                                         type_bit(SystemType::kTss32Available) |
                                         type_bit(SystemType::kTss32Busy);
constexpr uint32_t kLongTypesWithRights = kLongTypesWithLimit | type_bit(SystemType::kCallGate32);

uint32_t present_types(const Cpu& cpu, bool limit) {
    if (cpu.long_mode()) return limit ? kLongTypesWithLimit : kLongTypesWithRights;
    return limit ? kTypesWithLimit : kTypesWithRights;
}

template <typename T, bool kLimit, bool kMemory>
bool lar_lsl(Cpu& cpu, const Op& op) {
    uint16_t selector = 0;
    Descriptor descriptor;
    bool usable = false;
    if (!operand16<kMemory>(cpu, op, op.src, selector) ||
        !inspect(cpu, selector, descriptor, usable)) {
        return false;
    }
    if (usable && !descriptor.non_system()) {
        usable = ((present_types(cpu, kLimit) >> descriptor.type()) & 1) != 0;
    }
    usable = usable && level_allows(cpu, selector, descriptor);
    if (usable) {
        uint32_t value = kLimit ? descriptor.limit() : descriptor.high() & 0x00f0ff00;
        set_reg<T>(cpu, op.dst, static_cast<T>(value));
    }
    cpu.flags.set_zf(usable);
    return true;
}

template <bool kWrite, bool kMemory>
bool verify(Cpu& cpu, const Op& op) {
    uint16_t selector = 0;
    Descriptor descriptor;
    bool usable = false;
    if (!operand16<kMemory>(cpu, op, op.dst, selector) ||
        !inspect(cpu, selector, descriptor, usable)) {
        return false;
    }
    usable = usable && descriptor.non_system() && level_allows(cpu, selector, descriptor);
    if (kWrite) {
        usable = usable && descriptor.is_data() && descriptor.writable();
    } else {
        usable = usable && descriptor.readable();
    }
    cpu.flags.set_zf(usable);
    return true;
}

template <bool kMemory>
bool lldt(Cpu& cpu, const Op& op) {
    uint16_t selector = 0;
    if (cpu.cpl != 0) return raise(cpu, i386::kGeneralProtection, 0);
    if (!operand16<kMemory>(cpu, op, op.dst, selector)) return false;
    if (is_null(selector)) {
        cpu.ldtr.selector = selector;
        cpu.ldtr.attributes |= i386::Segment::kUnusable;
        return true;
    }
    i386::WideDescriptor descriptor;
    if ((selector & 4) != 0) {
        return raise(cpu, i386::kGeneralProtection, selector_error(selector));
    }
    if (!read_system_descriptor(cpu, selector, i386::kGeneralProtection, 0, descriptor)) {
        return false;
    }
    if (!descriptor.lower.is_system(SystemType::kLdt) || !i386::is_canonical(descriptor.base())) {
        return raise(cpu, i386::kGeneralProtection, selector_error(selector));
    }
    if (!descriptor.lower.present()) {
        return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    }
    cpu.ldtr = system_segment(selector, descriptor);
    return true;
}

template <bool kMemory>
bool ltr(Cpu& cpu, const Op& op) {
    uint16_t selector = 0;
    if (cpu.cpl != 0) return raise(cpu, i386::kGeneralProtection, 0);
    if (!operand16<kMemory>(cpu, op, op.dst, selector)) return false;
    if (is_null(selector)) return raise(cpu, i386::kGeneralProtection, 0);
    i386::WideDescriptor descriptor;
    if ((selector & 4) != 0) {
        return raise(cpu, i386::kGeneralProtection, selector_error(selector));
    }
    if (!read_system_descriptor(cpu, selector, i386::kGeneralProtection, 0, descriptor)) {
        return false;
    }
    bool narrow = descriptor.lower.is_system(SystemType::kTss16Available) && !cpu.long_mode();
    if ((!narrow && !descriptor.lower.is_system(SystemType::kTss32Available)) ||
        !i386::is_canonical(descriptor.base())) {
        return raise(cpu, i386::kGeneralProtection, selector_error(selector));
    }
    if (!descriptor.lower.present()) {
        return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    }
    if (!mark_tss_busy(cpu, selector, true)) return false;
    cpu.tr = system_segment(selector, descriptor);
    cpu.tr.attributes |= 2;
    return true;
}

template <typename T, bool kTask>
void store_selector_reg(Cpu& cpu, const Op& op) {
    set_reg<T>(cpu, op.dst, kTask ? cpu.tr.selector : cpu.ldtr.selector);
}
template <bool kTask>
bool store_selector_mem(Cpu& cpu, const Op& op) {
    return store_operand<uint16_t>(cpu, op, kTask ? cpu.tr.selector : cpu.ldtr.selector);
}

Selected select_mov(const Insn& insn, Op& op) {
    bool memory = insn.kind(1) == Kind::kMemory;
    if (insn.kind(0) == Kind::kSegment) {
        if (op.dst == i386::kCs) {
            op.handler = invalid_opcode_handler();
            return Selected::kEndsBlock;
        }
        if (op.dst == i386::kSs) {
            op.handler = memory ? leave<mov_to_segment<true>> : leave<mov_to_segment<false>>;
            return Selected::kEndsBlock;
        }
        op.handler = memory ? go_on<mov_to_segment<true>> : go_on<mov_to_segment<false>>;
        return Selected::kYes;
    }
    if (insn.kind(1) != Kind::kSegment) return Selected::kNo;
    if (insn.kind(0) == Kind::kMemory) {
        op.handler = go_on_after_store<mov_from_segment_mem>;
    } else {
        op.handler = by_wide_size(
            insn.operand_bytes, []<typename T>() -> Handler { return go_on<mov_from_segment<T>>; });
    }
    return Selected::kYes;
}

Selected select_push_pop(const Insn& insn, Op& op) {
    if (insn.kind(0) != Kind::kSegment) return Selected::kNo;
    if (insn.mnemonic == ZYDIS_MNEMONIC_PUSH) {
        op.handler = by_stack(insn, insn.operand_bytes, []<typename T, typename Sp>() -> Handler {
            return go_on_after_store<push_segment<T, Sp>>;
        });
        return Selected::kYes;
    }
    bool ends = op.dst == i386::kSs;
    op.handler = by_stack(insn, insn.operand_bytes, [&]<typename T, typename Sp>() -> Handler {
        return ends ? leave<pop_segment<T, Sp>> : go_on<pop_segment<T, Sp>>;
    });
    return ends ? Selected::kEndsBlock : Selected::kYes;
}

Selected select_far_load(const Insn& insn, Op& op, unsigned segment) {
    op.extra = static_cast<uint16_t>(segment);
    bool ends = segment == i386::kSs;
    op.handler = by_wide_size(insn.operand_bytes, [&]<typename T>() -> Handler {
        return ends ? leave<load_pointer<T>> : go_on<load_pointer<T>>;
    });
    return ends ? Selected::kEndsBlock : Selected::kYes;
}

template <bool kLimit>
Handler inspect_handler(const Insn& insn) {
    bool memory = insn.kind(1) == Kind::kMemory;
    return by_wide_size(insn.operands[0].bytes, [&]<typename T>() -> Handler {
        return memory ? go_on<lar_lsl<T, kLimit, true>> : go_on<lar_lsl<T, kLimit, false>>;
    });
}

template <bool kTask>
Handler store_selector_handler(const Insn& insn) {
    if (insn.kind(0) == Kind::kMemory) return go_on_after_store<store_selector_mem<kTask>>;
    return by_wide_size(insn.operand_bytes, []<typename T>() -> Handler {
        return go_on<store_selector_reg<T, kTask>>;
    });
}

// Instructions that do not exist in real and virtual-8086 mode.
Selected select_protected_only(const Insn& insn, Op& op) {
    bool memory = insn.kind(0) == Kind::kMemory;
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_ARPL:
            op.handler = memory ? go_on_after_store<arpl_mem> : go_on<arpl_reg>;
            break;
        case ZYDIS_MNEMONIC_LAR: op.handler = inspect_handler<false>(insn); break;
        case ZYDIS_MNEMONIC_LSL: op.handler = inspect_handler<true>(insn); break;
        case ZYDIS_MNEMONIC_VERR:
            op.handler = memory ? go_on<verify<false, true>> : go_on<verify<false, false>>;
            break;
        case ZYDIS_MNEMONIC_VERW:
            op.handler = memory ? go_on<verify<true, true>> : go_on<verify<true, false>>;
            break;
        case ZYDIS_MNEMONIC_LLDT:
            op.handler = memory ? go_on<lldt<true>> : go_on<lldt<false>>;
            break;
        case ZYDIS_MNEMONIC_LTR: op.handler = memory ? go_on<ltr<true>> : go_on<ltr<false>>; break;
        case ZYDIS_MNEMONIC_SLDT: op.handler = store_selector_handler<false>(insn); break;
        case ZYDIS_MNEMONIC_STR: op.handler = store_selector_handler<true>(insn); break;
        default: return Selected::kNo;
    }
    if ((insn.mode & kModeProtected) == 0) {
        op.handler = invalid_opcode_handler();
        return Selected::kEndsBlock;
    }
    return Selected::kYes;
}

}  // namespace

Selected select_segment(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_MOV: return select_mov(insn, op);
        case ZYDIS_MNEMONIC_PUSH:
        case ZYDIS_MNEMONIC_POP: return select_push_pop(insn, op);
        case ZYDIS_MNEMONIC_LES: return select_far_load(insn, op, i386::kEs);
        case ZYDIS_MNEMONIC_LDS: return select_far_load(insn, op, i386::kDs);
        case ZYDIS_MNEMONIC_LSS: return select_far_load(insn, op, i386::kSs);
        case ZYDIS_MNEMONIC_LFS: return select_far_load(insn, op, i386::kFs);
        case ZYDIS_MNEMONIC_LGS: return select_far_load(insn, op, i386::kGs);
        default: return select_protected_only(insn, op);
    }
}

}  // namespace qc::accel::tcg
