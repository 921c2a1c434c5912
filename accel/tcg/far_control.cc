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
    if (!check_code_size(cpu, selector, code)) return false;
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
    uint64_t offset = 0;
    uint16_t selector = 0;
    unsigned parameters = 0;
    Descriptor code;
};

// What the gate itself says. In long mode there are only 64-bit gates, of twice the
// length and without parameters.
bool read_gate_fields(Cpu& cpu, uint16_t selector, const Descriptor& descriptor, CallGate& gate) {
    gate.selector = descriptor.gate_selector();
    if (cpu.long_mode()) {
        i386::WideDescriptor wide;
        if (!read_system_descriptor(cpu, selector, i386::kGeneralProtection, 0, wide)) return false;
        gate.size = 8;
        gate.offset = wide.gate_offset();
        return true;
    }
    gate.size = descriptor.type() == SystemType::kCallGate32 ? 4 : 2;
    gate.offset = gate.size == 4 ? descriptor.gate_offset32() : descriptor.gate_offset16();
    gate.parameters = descriptor.gate_parameters();
    return true;
}

bool read_call_gate(Cpu& cpu, uint16_t selector, const Descriptor& descriptor, CallGate& gate) {
    if (!descriptor.present()) {
        return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    }
    if (!read_gate_fields(cpu, selector, descriptor, gate)) return false;
    if (is_null(gate.selector)) return raise(cpu, i386::kGeneralProtection, 0);
    if (!read_descriptor(cpu, gate.selector, i386::kGeneralProtection, 0, gate.code)) return false;
    bool code64 = gate.code.long_code() && !gate.code.big();
    if (!gate.code.is_code() || gate.code.dpl() > cpu.cpl || (cpu.long_mode() && !code64)) {
        return protection_error(cpu, gate.selector);
    }
    if (!gate.code.present()) {
        return raise(cpu, i386::kSegmentNotPresent, selector_error(gate.selector));
    }
    return true;
}

bool is_call_gate(const Cpu& cpu, const Descriptor& descriptor) {
    return (descriptor.is_system(SystemType::kCallGate16) && !cpu.long_mode()) ||
           descriptor.is_system(SystemType::kCallGate32);
}

bool push_return_address(Cpu& cpu, Stack& stack, unsigned size, uint64_t next_ip) {
    return stack.push(size, cpu.seg[i386::kCs].selector) && stack.push(size, next_ip);
}

// In long mode: the stack is a pointer from the task segment, SS is null.
bool call_inner_level_long(Cpu& cpu, CallGate& gate, uint64_t next_ip) {
    unsigned level = gate.code.dpl();
    uint64_t rsp = 0;
    if (!level_stack_from_tss64(cpu, level, 0, rsp)) return false;
    Stack stack(cpu, rsp, Privilege::kSupervisor, 0);
    if (!stack.push(8, cpu.seg[i386::kSs].selector) || !stack.push(8, cpu.gpr[i386::kRsp]) ||
        !push_return_address(cpu, stack, 8, next_ip) ||
        !check_code_offset(cpu, gate.code, gate.offset) ||
        !mark_accessed(cpu, gate.selector, gate.code)) {
        return false;
    }
    set_code_segment(cpu, gate.selector, gate.code, level);
    set_null_stack(cpu, static_cast<uint16_t>(level), level);
    stack.commit();
    cpu.rip = gate.offset;
    return true;
}

bool call_inner_level(Cpu& cpu, CallGate& gate, uint64_t next_ip) {
    if (cpu.long_mode()) return call_inner_level_long(cpu, gate, next_ip);
    unsigned level = gate.code.dpl();
    uint16_t ss = 0;
    uint32_t esp = 0;
    Descriptor ss_descriptor;
    if (!stack_from_tss(cpu, level, 0, ss, esp) ||
        !read_stack_descriptor(cpu, ss, level, i386::kInvalidTss, 0, ss_descriptor)) {
        return false;
    }
    Stack old(cpu);
    std::array<uint64_t, 31> parameters{};
    for (unsigned i = 0; i < gate.parameters; ++i) {
        if (!old.peek(gate.size, i * gate.size, parameters[i])) return false;
    }
    Stack stack(cpu, make_segment(ss, ss_descriptor), esp,
                level == 3 ? Privilege::kUser : Privilege::kSupervisor, selector_error(ss));
    if (!stack.push(gate.size, cpu.seg[i386::kSs].selector) ||
        !stack.push(gate.size, cpu.gpr[i386::kRsp])) {
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

bool call_same_level(Cpu& cpu, uint16_t selector, Descriptor& code, uint64_t offset, unsigned size,
                     uint64_t next_ip) {
    // A 64-bit gate leads from a 32-bit stack to a 64-bit one at the same place.
    Stack stack = size == 8 ? Stack(cpu, cpu.gpr[i386::kRsp], privilege_of(cpu), 0) : Stack(cpu);
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

bool paragraph_target(Cpu& cpu, uint16_t selector, uint64_t offset) {
    set_paragraph_segment(cpu, i386::kCs, selector);
    cpu.rip = offset;
    update_mode(cpu);
    return true;
}

// The limit of real mode's CS survives a load; a target beyond it faults first.
bool check_paragraph_offset(Cpu& cpu, uint64_t offset) {
    uint32_t limit = cpu.v86() ? 0xffff : cpu.seg[i386::kCs].limit;
    if (offset > limit) return raise(cpu, i386::kGeneralProtection, 0);
    return true;
}

bool return_paragraph(Cpu& cpu, unsigned size, uint32_t discard) {
    Stack stack(cpu);
    uint64_t ip = 0;
    uint64_t cs = 0;
    if (!stack.pop(size, ip) || !stack.pop(size, cs) || !check_paragraph_offset(cpu, ip)) {
        return false;
    }
    stack.skip(discard);
    stack.commit();
    return paragraph_target(cpu, static_cast<uint16_t>(cs), ip);
}

}  // namespace

bool far_jump(Cpu& cpu, uint16_t selector, uint64_t offset, unsigned size, uint64_t next_ip) {
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
    if (is_call_gate(cpu, target)) return jump_through_gate(cpu, selector, target);
    if (cpu.long_mode()) return protection_error(cpu, selector);
    if (target.is_system(SystemType::kTaskGate)) {
        return through_task_gate(cpu, selector, target, TaskSwitch::kJump, next_ip);
    }
    return switch_to_tss(cpu, selector, target, TaskSwitch::kJump, next_ip);
}

bool far_call(Cpu& cpu, uint16_t selector, uint64_t offset, unsigned size, uint64_t next_ip) {
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
    if (is_call_gate(cpu, target)) return call_through_gate(cpu, selector, target, next_ip);
    if (cpu.long_mode()) return protection_error(cpu, selector);
    if (target.is_system(SystemType::kTaskGate)) {
        return through_task_gate(cpu, selector, target, TaskSwitch::kCall, next_ip);
    }
    return switch_to_tss(cpu, selector, target, TaskSwitch::kCall, next_ip);
}

bool far_return(Cpu& cpu, unsigned size, uint32_t discard) {
    if (cpu.paragraph_mode()) return return_paragraph(cpu, size, discard);
    Stack stack(cpu);
    uint64_t ip = 0;
    uint64_t cs = 0;
    if (!stack.pop(size, ip) || !stack.pop(size, cs)) return false;
    auto selector = static_cast<uint16_t>(cs);
    Descriptor code;
    if (is_null(selector)) return raise(cpu, i386::kGeneralProtection, 0);
    if (!read_descriptor(cpu, selector, i386::kGeneralProtection, 0, code)) return false;
    unsigned level = rpl_of(selector);
    bool level_fits = code.conforming() ? code.dpl() <= level : code.dpl() == level;
    if (!code.is_code() || level < cpu.cpl || !level_fits) return protection_error(cpu, selector);
    if (!check_code_size(cpu, selector, code)) return false;
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
    bool to_code64 = cpu.long_mode() && code.long_code();
    if (!pop_outer_stack(cpu, stack, size, level, to_code64 && level != 3, outer) ||
        !check_code_offset(cpu, code, ip) || !mark_accessed(cpu, selector, code)) {
        return false;
    }
    set_code_segment(cpu, selector, code, level);
    set_outer_stack(cpu, outer, level);
    Stack outside(cpu);
    outside.skip(discard);
    outside.commit();
    drop_inner_segments(cpu);
    cpu.rip = ip;
    return true;
}

}  // namespace qc::accel::tcg
