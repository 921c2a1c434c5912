// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/far_control.h"

#include <algorithm>
#include <array>

#include "accel/tcg/interrupts.h"
#include "accel/tcg/segmentation.h"
#include "accel/tcg/task_switch.h"

namespace qc::accel::tcg {

namespace {

using i386::Descriptor;
using i386::SystemType;

bool protection_error(Cpu& cpu, uint16_t selector) {
    return raise(cpu, i386::kGeneralProtection, selector_error(selector));
}

// A code segment as the direct target of JMP or CALL: CPL stays.
bool check_direct_target(Cpu& cpu, uint16_t selector, Descriptor& code) {
    bool level_fits = code.conforming() ? code.dpl() <= cpu.cpl
                                        : code.dpl() == cpu.cpl && rpl_of(selector) <= cpu.cpl;
    if (!level_fits) return protection_error(cpu, selector);
    if (!code.present()) return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    return true;
}

bool switch_to_tss(Cpu& cpu, uint16_t selector, const Descriptor& tss, TaskSwitch kind,
                   uint64_t next_ip) {
    if ((selector & 4) != 0 || (!tss.is_system(SystemType::kTss16Available) &&
                                !tss.is_system(SystemType::kTss32Available))) {
        return protection_error(cpu, selector);
    }
    if (!tss.present()) return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    return switch_task(cpu, selector, tss, kind, next_ip);
}

// A system descriptor as a target: the checks that gates and task segments share.
bool check_gate_level(Cpu& cpu, uint16_t selector, const Descriptor& gate) {
    if (gate.dpl() < std::max<unsigned>(cpu.cpl, rpl_of(selector))) {
        return protection_error(cpu, selector);
    }
    return true;
}

bool through_task_gate(Cpu& cpu, uint16_t selector, const Descriptor& gate, TaskSwitch kind,
                       uint64_t next_ip) {
    if (!gate.present()) return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    uint16_t target = gate.gate_selector();
    Descriptor tss;
    if (!read_descriptor(cpu, target, i386::kGeneralProtection, 0, tss)) return false;
    return switch_to_tss(cpu, target, tss, kind, next_ip);
}

struct CallGate {
    unsigned size = 4;
    uint32_t offset = 0;
    uint16_t selector = 0;
    unsigned parameters = 0;
    Descriptor code;
};

bool read_call_gate(Cpu& cpu, uint16_t selector, const Descriptor& descriptor, CallGate& gate) {
    if (!descriptor.present()) {
        return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    }
    gate.size = descriptor.type() == SystemType::kCallGate32 ? 4 : 2;
    gate.offset = gate.size == 4 ? descriptor.gate_offset32() : descriptor.gate_offset16();
    gate.selector = descriptor.gate_selector();
    gate.parameters = descriptor.gate_parameters();
    if (is_null(gate.selector)) return raise(cpu, i386::kGeneralProtection, 0);
    if (!read_descriptor(cpu, gate.selector, i386::kGeneralProtection, 0, gate.code)) return false;
    if (!gate.code.is_code() || gate.code.dpl() > cpu.cpl) {
        return protection_error(cpu, gate.selector);
    }
    if (!gate.code.present()) {
        return raise(cpu, i386::kSegmentNotPresent, selector_error(gate.selector));
    }
    return true;
}

bool is_call_gate(const Descriptor& descriptor) {
    return descriptor.is_system(SystemType::kCallGate16) ||
           descriptor.is_system(SystemType::kCallGate32);
}

bool push_return_address(Cpu& cpu, Stack& stack, unsigned size, uint64_t next_ip) {
    return stack.push(size, cpu.seg[i386::kCs].selector) &&
           stack.push(size, static_cast<uint32_t>(next_ip));
}

bool call_inner_level(Cpu& cpu, CallGate& gate, uint64_t next_ip) {
    unsigned level = gate.code.dpl();
    uint16_t ss = 0;
    uint32_t esp = 0;
    Descriptor ss_descriptor;
    if (!stack_from_tss(cpu, level, 0, ss, esp) ||
        !read_stack_descriptor(cpu, ss, level, i386::kInvalidTss, 0, ss_descriptor)) {
        return false;
    }
    Stack old(cpu);
    std::array<uint32_t, 31> parameters{};
    for (unsigned i = 0; i < gate.parameters; ++i) {
        if (!old.peek(gate.size, i * gate.size, parameters[i])) return false;
    }
    Stack stack(cpu, make_segment(cpu, ss, ss_descriptor), esp,
                level == 3 ? Privilege::kUser : Privilege::kSupervisor, selector_error(ss));
    if (!stack.push(gate.size, cpu.seg[i386::kSs].selector) ||
        !stack.push(gate.size, static_cast<uint32_t>(cpu.gpr[i386::kRsp]))) {
        return false;
    }
    for (unsigned i = gate.parameters; i-- > 0;) {
        if (!stack.push(gate.size, parameters[i])) return false;
    }
    if (!push_return_address(cpu, stack, gate.size, next_ip) ||
        !check_code_offset(cpu, gate.code, gate.offset) ||
        !mark_accessed(cpu, gate.selector, gate.code) || !mark_accessed(cpu, ss, ss_descriptor)) {
        return false;
    }
    set_code_segment(cpu, gate.selector, gate.code, level);
    set_segment(cpu, i386::kSs, ss, ss_descriptor);
    stack.commit();
    cpu.rip = gate.offset;
    return true;
}

bool call_same_level(Cpu& cpu, uint16_t selector, Descriptor& code, uint32_t offset, unsigned size,
                     uint64_t next_ip) {
    Stack stack(cpu);
    if (!push_return_address(cpu, stack, size, next_ip) || !check_code_offset(cpu, code, offset) ||
        !mark_accessed(cpu, selector, code)) {
        return false;
    }
    stack.commit();
    set_code_segment(cpu, selector, code, cpu.cpl);
    cpu.rip = offset;
    return true;
}

bool call_through_gate(Cpu& cpu, uint16_t selector, const Descriptor& descriptor,
                       uint64_t next_ip) {
    CallGate gate;
    if (!read_call_gate(cpu, selector, descriptor, gate)) return false;
    if (!gate.code.conforming() && gate.code.dpl() < cpu.cpl) {
        return call_inner_level(cpu, gate, next_ip);
    }
    return call_same_level(cpu, gate.selector, gate.code, gate.offset, gate.size, next_ip);
}

bool jump_through_gate(Cpu& cpu, uint16_t selector, const Descriptor& descriptor) {
    CallGate gate;
    if (!read_call_gate(cpu, selector, descriptor, gate)) return false;
    if (!gate.code.conforming() && gate.code.dpl() != cpu.cpl) {
        return protection_error(cpu, gate.selector);
    }
    if (!check_code_offset(cpu, gate.code, gate.offset) ||
        !mark_accessed(cpu, gate.selector, gate.code)) {
        return false;
    }
    set_code_segment(cpu, gate.selector, gate.code, cpu.cpl);
    cpu.rip = gate.offset;
    return true;
}

bool paragraph_target(Cpu& cpu, uint16_t selector, uint32_t offset) {
    set_paragraph_segment(cpu, i386::kCs, selector);
    cpu.rip = offset;
    update_mode(cpu);
    return true;
}

// The limit of real mode's CS survives a load; a target beyond it faults first.
bool check_paragraph_offset(Cpu& cpu, uint32_t offset) {
    uint32_t limit = cpu.v86() ? 0xffff : cpu.seg[i386::kCs].limit;
    if (offset > limit) return raise(cpu, i386::kGeneralProtection, 0);
    return true;
}

// After a far return: the outer level's stack, and the parameters it pushed.
struct OuterStack {
    uint16_t ss = 0;
    uint32_t esp = 0;
    Descriptor descriptor;
};

bool pop_outer_stack(Cpu& cpu, Stack& stack, unsigned size, unsigned level, OuterStack& outer) {
    uint32_t ss = 0;
    if (!stack.pop(size, outer.esp) || !stack.pop(size, ss)) return false;
    outer.ss = static_cast<uint16_t>(ss);
    if (is_null(outer.ss)) return raise(cpu, i386::kGeneralProtection, 0);
    return read_stack_descriptor(cpu, outer.ss, level, i386::kGeneralProtection, 0,
                                 outer.descriptor) &&
           mark_accessed(cpu, outer.ss, outer.descriptor);
}

bool return_paragraph(Cpu& cpu, unsigned size, uint32_t discard) {
    Stack stack(cpu);
    uint32_t ip = 0;
    uint32_t cs = 0;
    if (!stack.pop(size, ip) || !stack.pop(size, cs) || !check_paragraph_offset(cpu, ip)) {
        return false;
    }
    stack.skip(discard);
    stack.commit();
    return paragraph_target(cpu, static_cast<uint16_t>(cs), ip);
}

// SYSENTER and SYSEXIT make flat segments out of nothing but a selector.
Descriptor flat_descriptor(bool code, unsigned dpl) {
    uint64_t type = code ? 0xb : 0x3;
    return {.raw = 0x00cf'0000'0000'ffffu | ((0x90u | (uint64_t{dpl} << 5) | type) << 40)};
}

}  // namespace

bool far_jump(Cpu& cpu, uint16_t selector, uint32_t offset, unsigned size, uint64_t next_ip) {
    (void)size;
    if (cpu.paragraph_mode()) {
        return check_paragraph_offset(cpu, offset) && paragraph_target(cpu, selector, offset);
    }
    Descriptor target;
    if (is_null(selector)) return raise(cpu, i386::kGeneralProtection, 0);
    if (!read_descriptor(cpu, selector, i386::kGeneralProtection, 0, target)) return false;
    if (target.is_code()) {
        if (!check_direct_target(cpu, selector, target) ||
            !check_code_offset(cpu, target, offset) || !mark_accessed(cpu, selector, target)) {
            return false;
        }
        set_code_segment(cpu, selector, target, cpu.cpl);
        cpu.rip = offset;
        return true;
    }
    if (target.non_system()) return protection_error(cpu, selector);
    if (!check_gate_level(cpu, selector, target)) return false;
    if (is_call_gate(target)) return jump_through_gate(cpu, selector, target);
    if (target.is_system(SystemType::kTaskGate)) {
        return through_task_gate(cpu, selector, target, TaskSwitch::kJump, next_ip);
    }
    return switch_to_tss(cpu, selector, target, TaskSwitch::kJump, next_ip);
}

bool far_call(Cpu& cpu, uint16_t selector, uint32_t offset, unsigned size, uint64_t next_ip) {
    if (cpu.paragraph_mode()) {
        Stack stack(cpu);
        if (!check_paragraph_offset(cpu, offset) ||
            !push_return_address(cpu, stack, size, next_ip)) {
            return false;
        }
        stack.commit();
        return paragraph_target(cpu, selector, offset);
    }
    Descriptor target;
    if (is_null(selector)) return raise(cpu, i386::kGeneralProtection, 0);
    if (!read_descriptor(cpu, selector, i386::kGeneralProtection, 0, target)) return false;
    if (target.is_code()) {
        return check_direct_target(cpu, selector, target) &&
               call_same_level(cpu, selector, target, offset, size, next_ip);
    }
    if (target.non_system()) return protection_error(cpu, selector);
    if (!check_gate_level(cpu, selector, target)) return false;
    if (is_call_gate(target)) return call_through_gate(cpu, selector, target, next_ip);
    if (target.is_system(SystemType::kTaskGate)) {
        return through_task_gate(cpu, selector, target, TaskSwitch::kCall, next_ip);
    }
    return switch_to_tss(cpu, selector, target, TaskSwitch::kCall, next_ip);
}

bool far_return(Cpu& cpu, unsigned size, uint32_t discard) {
    if (cpu.paragraph_mode()) return return_paragraph(cpu, size, discard);
    Stack stack(cpu);
    uint32_t ip = 0;
    uint32_t cs = 0;
    if (!stack.pop(size, ip) || !stack.pop(size, cs)) return false;
    auto selector = static_cast<uint16_t>(cs);
    Descriptor code;
    if (is_null(selector)) return raise(cpu, i386::kGeneralProtection, 0);
    if (!read_descriptor(cpu, selector, i386::kGeneralProtection, 0, code)) return false;
    unsigned level = rpl_of(selector);
    bool level_fits = code.conforming() ? code.dpl() <= level : code.dpl() == level;
    if (!code.is_code() || level < cpu.cpl || !level_fits) return protection_error(cpu, selector);
    if (!code.present()) return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    stack.skip(discard);
    if (level == cpu.cpl) {
        if (!check_code_offset(cpu, code, ip) || !mark_accessed(cpu, selector, code)) return false;
        stack.commit();
        set_code_segment(cpu, selector, code, level);
        cpu.rip = ip;
        return true;
    }
    OuterStack outer;
    if (!pop_outer_stack(cpu, stack, size, level, outer) || !check_code_offset(cpu, code, ip) ||
        !mark_accessed(cpu, selector, code)) {
        return false;
    }
    set_code_segment(cpu, selector, code, level);
    set_segment(cpu, i386::kSs, outer.ss, outer.descriptor);
    Stack outside(cpu, cpu.seg[i386::kSs], outer.esp, Privilege::kUser, 0);
    outside.skip(discard);
    outside.commit();
    drop_inner_segments(cpu);
    cpu.rip = ip;
    return true;
}

bool system_enter(Cpu& cpu) {
    if (!cpu.protected_mode() || (cpu.msr.sysenter_cs & 0xfffc) == 0) {
        return raise(cpu, i386::kGeneralProtection, 0);
    }
    auto selector = static_cast<uint16_t>(cpu.msr.sysenter_cs & 0xfffc);
    cpu.eflags &= ~(i386::eflags::kVm | i386::eflags::kIf | i386::eflags::kRf);
    set_code_segment(cpu, selector, flat_descriptor(true, 0), 0);
    set_segment(cpu, i386::kSs, static_cast<uint16_t>(selector + 8), flat_descriptor(false, 0));
    set_gpr<uint32_t>(cpu, i386::kRsp, static_cast<uint32_t>(cpu.msr.sysenter_esp));
    cpu.rip = static_cast<uint32_t>(cpu.msr.sysenter_eip);
    update_request_mask(cpu);
    return true;
}

bool system_exit(Cpu& cpu) {
    if (!cpu.protected_mode() || cpu.cpl != 0 || (cpu.msr.sysenter_cs & 0xfffc) == 0) {
        return raise(cpu, i386::kGeneralProtection, 0);
    }
    auto selector = static_cast<uint16_t>((cpu.msr.sysenter_cs & 0xfffc) + 16);
    set_code_segment(cpu, selector, flat_descriptor(true, 3), 3);
    set_segment(cpu, i386::kSs, static_cast<uint16_t>((selector + 8) | 3),
                flat_descriptor(false, 3));
    cpu.rip = gpr<uint32_t>(cpu, i386::kRdx);
    set_gpr<uint32_t>(cpu, i386::kRsp, gpr<uint32_t>(cpu, i386::kRcx));
    return true;
}

}  // namespace qc::accel::tcg
