// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/interrupts.h"

#include "accel/tcg/segmentation.h"
#include "accel/tcg/task_switch.h"

namespace qc::accel::tcg {

namespace {

namespace eflags = i386::eflags;
using i386::Descriptor;
using i386::SystemType;

constexpr uint32_t kClearedByDelivery = eflags::kTf | eflags::kNt | eflags::kRf | eflags::kVm;

bool is_software(EventSource source) {
    return source == EventSource::kSoftware || source == EventSource::kIcebp;
}

// What the handler finds on its stack as flags: a fault's instruction is started
// again, and must not hit its own breakpoint again.
uint32_t flags_image(const Cpu& cpu, const Event& event) {
    uint32_t flags = cpu.eflags_value();
    return event.source == EventSource::kFault ? flags | eflags::kRf : flags;
}

bool deliver_real(Cpu& cpu, const Event& event) {
    uint32_t entry = event.vector * 4u;
    if (entry + 3 > cpu.idtr.limit) return raise(cpu, i386::kGeneralProtection, 0);
    uint32_t target = 0;
    if (!load_system(cpu, cpu.idtr.base + entry, target)) return false;
    Stack stack(cpu);
    if (!stack.push(2, cpu.eflags_value()) || !stack.push(2, cpu.seg[i386::kCs].selector) ||
        !stack.push(2, static_cast<uint32_t>(cpu.rip))) {
        return false;
    }
    stack.commit();
    cpu.eflags &= ~(eflags::kIf | eflags::kTf | eflags::kAc | eflags::kRf);
    set_paragraph_segment(cpu, i386::kCs, static_cast<uint16_t>(target >> 16));
    cpu.rip = target & 0xffff;
    update_mode(cpu);
    return true;
}

// INT n in virtual-8086 mode with CR4.VME, when the task's redirection bitmap says
// that the 8086 program handles it itself. False in `redirected` if it does not.
bool deliver_v86_redirected(Cpu& cpu, const Event& event, bool& redirected) {
    redirected = false;
    if ((cpu.cr4 & i386::cr4::kVme) == 0 || event.source != EventSource::kSoftware) return true;
    uint16_t map_base = 0;
    if (cpu.tr.limit < 0x67 || !load_system(cpu, cpu.tr.base + 0x66, map_base)) {
        return !cpu.exception.active;
    }
    uint32_t at = map_base - 32u + event.vector / 8u;
    if (map_base < 32 || at > cpu.tr.limit) return true;
    uint8_t bits = 0;
    if (!load_system(cpu, cpu.tr.base + at, bits)) return false;
    if (((bits >> (event.vector % 8)) & 1) != 0) return true;

    redirected = true;
    uint32_t target = 0;
    if (!load_system(cpu, uint64_t{event.vector} * 4, target)) return false;
    uint32_t flags = cpu.eflags_value();
    bool virtual_if = cpu.iopl() < 3;
    if (virtual_if) {
        bool vif = (flags & eflags::kVif) != 0;
        flags = (flags & ~eflags::kIf) | (vif ? eflags::kIf : 0) | eflags::kIopl;
    }
    Stack stack(cpu);
    if (!stack.push(2, flags) || !stack.push(2, cpu.seg[i386::kCs].selector) ||
        !stack.push(2, static_cast<uint32_t>(cpu.rip))) {
        return false;
    }
    stack.commit();
    cpu.eflags &= ~(eflags::kTf | eflags::kNt | (virtual_if ? eflags::kVif : eflags::kIf));
    set_paragraph_segment(cpu, i386::kCs, static_cast<uint16_t>(target >> 16));
    cpu.rip = target & 0xffff;
    update_mode(cpu);
    return true;
}

struct Gate {
    Descriptor descriptor;
    Descriptor code;
    uint16_t selector = 0;
    unsigned size = 4;
    uint32_t ext = 0;
    bool inner = false;
};

bool read_idt_gate(Cpu& cpu, const Event& event, Gate& gate) {
    gate.ext = is_software(event.source) ? 0 : i386::kErrorExternal;
    uint32_t error = event.vector * 8u | i386::kErrorIdt | gate.ext;
    if (event.vector * 8u + 7 > cpu.idtr.limit) return raise(cpu, i386::kGeneralProtection, error);
    if (!load_system(cpu, cpu.idtr.base + event.vector * 8u, gate.descriptor.raw)) return false;
    unsigned type = gate.descriptor.type();
    bool known = type == SystemType::kTaskGate || type == SystemType::kInterruptGate16 ||
                 type == SystemType::kTrapGate16 || type == SystemType::kInterruptGate32 ||
                 type == SystemType::kTrapGate32;
    if (gate.descriptor.non_system() || !known ||
        (event.source == EventSource::kSoftware && gate.descriptor.dpl() < cpu.cpl)) {
        return raise(cpu, i386::kGeneralProtection, error);
    }
    if (!gate.descriptor.present()) return raise(cpu, i386::kSegmentNotPresent, error);
    gate.selector = gate.descriptor.gate_selector();
    gate.size = (type & 8) != 0 ? 4 : 2;
    return true;
}

bool deliver_by_task(Cpu& cpu, const Event& event, const Gate& gate) {
    Descriptor tss;
    uint32_t error = selector_error(gate.selector) | gate.ext;
    if ((gate.selector & 4) != 0) return raise(cpu, i386::kGeneralProtection, error);
    if (!read_descriptor(cpu, gate.selector, i386::kGeneralProtection, gate.ext, tss)) return false;
    if (!tss.is_system(SystemType::kTss16Available) &&
        !tss.is_system(SystemType::kTss32Available)) {
        return raise(cpu, i386::kGeneralProtection, error);
    }
    if (!tss.present()) return raise(cpu, i386::kSegmentNotPresent, error);
    if (!switch_task(cpu, gate.selector, tss, TaskSwitch::kCall, cpu.rip)) return false;
    if (!event.has_error) return true;
    Stack stack(cpu);
    if (!stack.push((tss.type() & 8) != 0 ? 4 : 2, event.error)) return false;
    stack.commit();
    return true;
}

bool read_handler_segment(Cpu& cpu, Gate& gate) {
    uint32_t error = selector_error(gate.selector) | gate.ext;
    if (is_null(gate.selector)) return raise(cpu, i386::kGeneralProtection, gate.ext);
    if (!read_descriptor(cpu, gate.selector, i386::kGeneralProtection, gate.ext, gate.code)) {
        return false;
    }
    if (!gate.code.is_code() || gate.code.dpl() > cpu.cpl) {
        return raise(cpu, i386::kGeneralProtection, error);
    }
    if (!gate.code.present()) return raise(cpu, i386::kSegmentNotPresent, error);
    gate.inner = !gate.code.conforming() && gate.code.dpl() < cpu.cpl;
    if (cpu.v86() && (!gate.inner || gate.code.dpl() != 0)) {
        return raise(cpu, i386::kGeneralProtection, error);
    }
    return true;
}

// FLAGS, CS, IP and perhaps an error code, as handlers find them.
bool push_frame(Cpu& cpu, const Event& event, const Gate& gate, Stack& stack) {
    return stack.push(gate.size, flags_image(cpu, event)) &&
           stack.push(gate.size, cpu.seg[i386::kCs].selector) && stack.push(gate.size, cpu.rip) &&
           (!event.has_error || stack.push(gate.size, event.error));
}

void enter_handler(Cpu& cpu, const Gate& gate, unsigned cpl) {
    unsigned type = gate.descriptor.type();
    bool interrupt = type == SystemType::kInterruptGate16 || type == SystemType::kInterruptGate32;
    cpu.eflags &= ~(kClearedByDelivery | (interrupt ? eflags::kIf : 0));
    set_code_segment(cpu, gate.selector, gate.code, cpl);
    cpu.rip = gate.size == 4 ? gate.descriptor.gate_offset32() : gate.descriptor.gate_offset16();
}

bool enter_inner_level(Cpu& cpu, const Event& event, Gate& gate) {
    unsigned level = gate.code.dpl();
    uint16_t ss = 0;
    uint32_t esp = 0;
    Descriptor ss_descriptor;
    if (!stack_from_tss(cpu, level, gate.ext, ss, esp) ||
        !read_stack_descriptor(cpu, ss, level, i386::kInvalidTss, gate.ext, ss_descriptor)) {
        return false;
    }
    Segment new_ss = make_segment(ss, ss_descriptor);
    Stack stack(cpu, new_ss, esp, level == 3 ? Privilege::kUser : Privilege::kSupervisor,
                selector_error(ss) | gate.ext);
    if (cpu.v86()) {
        for (unsigned s : {i386::kGs, i386::kFs, i386::kDs, i386::kEs}) {
            if (!stack.push(gate.size, cpu.seg[s].selector)) return false;
        }
    }
    if (!stack.push(gate.size, cpu.seg[i386::kSs].selector) ||
        !stack.push(gate.size, cpu.gpr[i386::kRsp]) || !push_frame(cpu, event, gate, stack) ||
        !mark_accessed(cpu, ss, ss_descriptor)) {
        return false;
    }
    if (cpu.v86()) {
        for (unsigned s : {i386::kGs, i386::kFs, i386::kDs, i386::kEs})
            set_null_segment(cpu, s, 0);
    }
    enter_handler(cpu, gate, level);
    set_segment(cpu, i386::kSs, ss, ss_descriptor);
    stack.commit();
    return true;
}

bool deliver_protected(Cpu& cpu, const Event& event) {
    Gate gate;
    if (!read_idt_gate(cpu, event, gate)) return false;
    if (gate.descriptor.type() == SystemType::kTaskGate) return deliver_by_task(cpu, event, gate);
    if (!read_handler_segment(cpu, gate)) return false;
    uint32_t offset =
        gate.size == 4 ? gate.descriptor.gate_offset32() : gate.descriptor.gate_offset16();
    if (offset > gate.code.limit()) return raise(cpu, i386::kGeneralProtection, gate.ext);
    if (!mark_accessed(cpu, gate.selector, gate.code)) return false;
    if (gate.inner) return enter_inner_level(cpu, event, gate);
    Stack stack(cpu);
    if (!push_frame(cpu, event, gate, stack)) return false;
    stack.commit();
    enter_handler(cpu, gate, cpu.cpl);
    return true;
}

// Long mode: gates of 16 bytes into 64-bit code, always with SS and RSP in the frame.
bool read_idt_gate_long(Cpu& cpu, const Event& event, Gate& gate, uint64_t& offset) {
    gate.ext = is_software(event.source) ? 0 : i386::kErrorExternal;
    uint32_t error = event.vector * 8u | i386::kErrorIdt | gate.ext;
    if (event.vector * 16u + 15 > cpu.idtr.limit) {
        return raise(cpu, i386::kGeneralProtection, error);
    }
    i386::WideDescriptor wide;
    uint64_t at = cpu.idtr.base + event.vector * 16u;
    if (!load_system(cpu, at, wide.lower.raw) || !load_system(cpu, at + 8, wide.upper)) {
        return false;
    }
    gate.descriptor = wide.lower;
    bool known = gate.descriptor.is_system(SystemType::kInterruptGate32) ||
                 gate.descriptor.is_system(SystemType::kTrapGate32);
    if (!known || !wide.well_formed() ||
        (event.source == EventSource::kSoftware && gate.descriptor.dpl() < cpu.cpl)) {
        return raise(cpu, i386::kGeneralProtection, error);
    }
    if (!gate.descriptor.present()) return raise(cpu, i386::kSegmentNotPresent, error);
    gate.selector = gate.descriptor.gate_selector();
    gate.size = 8;
    offset = wide.gate_offset();
    return true;
}

bool check_handler_is_64(Cpu& cpu, const Gate& gate) {
    if (gate.code.long_code() && !gate.code.big()) return true;
    return raise(cpu, i386::kGeneralProtection, selector_error(gate.selector) | gate.ext);
}

bool find_long_stack(Cpu& cpu, const Gate& gate, unsigned level, uint64_t& rsp) {
    unsigned number = gate.descriptor.gate_stack();
    rsp = cpu.gpr[i386::kRsp];
    if (number != 0) {
        if (!interrupt_stack_from_tss64(cpu, number, gate.ext, rsp)) return false;
    } else if (gate.inner && !level_stack_from_tss64(cpu, level, gate.ext, rsp)) {
        return false;
    }
    rsp &= ~uint64_t{15};
    return true;
}

bool deliver_long(Cpu& cpu, const Event& event) {
    Gate gate;
    uint64_t offset = 0;
    if (!read_idt_gate_long(cpu, event, gate, offset) || !read_handler_segment(cpu, gate) ||
        !check_handler_is_64(cpu, gate)) {
        return false;
    }
    unsigned level = gate.inner ? gate.code.dpl() : cpu.cpl;
    uint64_t rsp = 0;
    if (!i386::is_canonical(offset)) return raise(cpu, i386::kGeneralProtection, gate.ext);
    if (!find_long_stack(cpu, gate, level, rsp)) return false;
    Stack stack(cpu, rsp, level == 3 ? Privilege::kUser : Privilege::kSupervisor, gate.ext);
    if (!stack.push(8, cpu.seg[i386::kSs].selector) || !stack.push(8, cpu.gpr[i386::kRsp]) ||
        !push_frame(cpu, event, gate, stack) || !mark_accessed(cpu, gate.selector, gate.code)) {
        return false;
    }
    bool interrupt = gate.descriptor.type() == SystemType::kInterruptGate32;
    cpu.eflags &= ~(kClearedByDelivery | (interrupt ? eflags::kIf : 0));
    set_code_segment(cpu, gate.selector, gate.code, level);
    if (gate.inner) set_null_stack(cpu, static_cast<uint16_t>(level), level);
    stack.commit();
    cpu.rip = offset;
    return true;
}

void triple_fault(Cpu& cpu) {
    cpu.halted = true;
    cpu.shutdown = true;
    cpu.eflags &= ~eflags::kIf;
    update_request_mask(cpu);
    cpu.env.machine.request_guest_reset();
}

}  // namespace

bool deliver_event(Cpu& cpu, const Event& event) {
    cpu.halted = false;
    cpu.shutdown = false;
    if (!cpu.protected_mode()) return deliver_real(cpu, event);
    if (cpu.long_mode()) return deliver_long(cpu, event);
    if (cpu.v86() && event.source == EventSource::kSoftware) {
        bool redirected = false;
        if (!deliver_v86_redirected(cpu, event, redirected)) return false;
        if (redirected) return true;
        if (cpu.iopl() < 3 && event.vector != i386::kBreakpoint &&
            event.vector != i386::kOverflow) {
            return raise(cpu, i386::kGeneralProtection, 0);
        }
    }
    return deliver_protected(cpu, event);
}

void deliver_exception(Cpu& cpu) {
    PendingException first = cpu.exception;
    cpu.exception = {};
    deliver_between_instructions(cpu, {.vector = first.vector,
                                       .source = EventSource::kFault,
                                       .has_error = first.has_error,
                                       .error = first.error});
}

void deliver_between_instructions(Cpu& cpu, const Event& event) {
    Event now = event;
    // Each round is one exception on the way into a handler; a chain of ever new
    // benign ones ends like a double fault's does.
    for (int round = 0; round < 4; ++round) {
        if (deliver_event(cpu, now)) {
            update_request_mask(cpu);
            return;
        }
        PendingException second = cpu.exception;
        cpu.exception = {};
        bool exception = now.source == EventSource::kFault;
        if (exception && now.vector == i386::kDoubleFault) break;
        if (exception && i386::makes_double_fault(now.vector, second.vector)) {
            now = {.vector = i386::kDoubleFault,
                   .source = EventSource::kFault,
                   .has_error = true,
                   .error = 0};
        } else {
            now = {.vector = second.vector,
                   .source = EventSource::kFault,
                   .has_error = second.has_error,
                   .error = second.error};
        }
    }
    triple_fault(cpu);
}

bool stack_from_tss(Cpu& cpu, unsigned level, uint32_t error_bits, uint16_t& ss, uint32_t& esp) {
    bool wide = (cpu.tr.attributes & 8) != 0;
    uint32_t at = wide ? 4 + level * 8 : 2 + level * 4;
    uint32_t last = at + (wide ? 5 : 3);
    if ((cpu.tr.attributes & i386::Segment::kUnusable) != 0 || last > cpu.tr.limit) {
        return raise(cpu, i386::kInvalidTss, selector_error(cpu.tr.selector) | error_bits);
    }
    if (wide) {
        return load_system(cpu, cpu.tr.base + at, esp) &&
               load_system(cpu, cpu.tr.base + at + 4, ss);
    }
    uint16_t sp = 0;
    if (!load_system(cpu, cpu.tr.base + at, sp)) return false;
    esp = sp;
    return load_system(cpu, cpu.tr.base + at + 2, ss);
}

namespace {

bool pointer_from_tss64(Cpu& cpu, uint32_t at, uint32_t error_bits, uint64_t& rsp) {
    if ((cpu.tr.attributes & i386::Segment::kUnusable) != 0 || at + 7 > cpu.tr.limit) {
        return raise(cpu, i386::kInvalidTss, selector_error(cpu.tr.selector) | error_bits);
    }
    return load_system(cpu, cpu.tr.base + at, rsp);
}

}  // namespace

bool level_stack_from_tss64(Cpu& cpu, unsigned level, uint32_t error_bits, uint64_t& rsp) {
    return pointer_from_tss64(cpu, 4 + level * 8, error_bits, rsp);
}

bool interrupt_stack_from_tss64(Cpu& cpu, unsigned number, uint32_t error_bits, uint64_t& rsp) {
    return pointer_from_tss64(cpu, 36 + (number - 1) * 8, error_bits, rsp);
}

}  // namespace qc::accel::tcg
