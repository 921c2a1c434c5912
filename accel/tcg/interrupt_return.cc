// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/interrupts.h"
#include "accel/tcg/segmentation.h"
#include "accel/tcg/task_switch.h"

namespace qc::accel::tcg {

namespace {

namespace eflags = i386::eflags;
using i386::Descriptor;

struct Frame {
    uint64_t ip = 0;
    uint64_t cs = 0;
    uint64_t flags = 0;
};

// FLAGS as far as there are any.
uint32_t flags_of(const Frame& frame) {
    return static_cast<uint32_t>(frame.flags);
}

bool pop_frame(Stack& stack, unsigned size, Frame& frame) {
    return stack.pop(size, frame.ip) && stack.pop(size, frame.cs) && stack.pop(size, frame.flags);
}

void finish(Cpu& cpu) {
    cpu.nmi_masked = false;
    update_mode(cpu);
    update_request_mask(cpu);
}

// The flags that a return with operands of `size` may change.
uint32_t flags_mask(const Cpu& cpu, unsigned size, unsigned cpl) {
    uint32_t mask = eflags::kArithmetic | eflags::kTf | eflags::kDf | eflags::kNt | eflags::kRf;
    if (cpl <= cpu.iopl()) mask |= eflags::kIf;
    if (cpl == 0) mask |= eflags::kIopl;
    if (size != 2) {
        mask |= eflags::kAc | eflags::kId;
        if (cpl == 0) mask |= eflags::kVif | eflags::kVip;
    } else {
        mask &= ~eflags::kRf;
    }
    return mask;
}

bool return_real(Cpu& cpu, unsigned size) {
    Stack stack(cpu);
    Frame frame;
    if (!pop_frame(stack, size, frame)) return false;
    if (frame.ip > cpu.seg[i386::kCs].limit) return raise(cpu, i386::kGeneralProtection, 0);
    stack.commit();
    set_paragraph_segment(cpu, i386::kCs, static_cast<uint16_t>(frame.cs));
    cpu.rip = frame.ip;
    uint32_t mask =
        eflags::kArithmetic | eflags::kTf | eflags::kDf | eflags::kNt | eflags::kIf | eflags::kIopl;
    if (size == 4) mask |= eflags::kAc | eflags::kId | eflags::kRf;
    set_eflags(cpu, flags_of(frame), mask);
    finish(cpu);
    return true;
}

bool return_v86(Cpu& cpu, unsigned size) {
    bool vme = (cpu.cr4 & i386::cr4::kVme) != 0 && size == 2;
    if (cpu.iopl() < 3 && !vme) return raise(cpu, i386::kGeneralProtection, 0);
    Stack stack(cpu);
    Frame frame;
    if (!pop_frame(stack, size, frame)) return false;
    if (frame.ip > 0xffff) return raise(cpu, i386::kGeneralProtection, 0);
    uint32_t mask = eflags::kArithmetic | eflags::kTf | eflags::kDf | eflags::kNt;
    if (size == 4) mask |= eflags::kAc | eflags::kId | eflags::kRf;
    if (cpu.iopl() == 3) {
        mask |= eflags::kIf;
    } else {
        bool wants_interrupts = (frame.flags & eflags::kIf) != 0;
        if ((wants_interrupts && (cpu.eflags & eflags::kVip) != 0) ||
            (frame.flags & eflags::kTf) != 0) {
            return raise(cpu, i386::kGeneralProtection, 0);
        }
        frame.flags = (frame.flags & ~eflags::kVif) | (wants_interrupts ? eflags::kVif : 0u);
        mask |= eflags::kVif;
    }
    stack.commit();
    set_paragraph_segment(cpu, i386::kCs, static_cast<uint16_t>(frame.cs));
    cpu.rip = frame.ip;
    set_eflags(cpu, flags_of(frame), mask);
    finish(cpu);
    return true;
}

bool return_to_v86(Cpu& cpu, Stack& stack, const Frame& frame) {
    uint64_t esp = 0;
    uint64_t selectors[5] = {};
    if (!stack.pop(4, esp)) return false;
    for (uint64_t& selector : selectors) {
        if (!stack.pop(4, selector)) return false;
    }
    if (frame.ip > 0xffff) return raise(cpu, i386::kGeneralProtection, 0);
    set_eflags(cpu, flags_of(frame), eflags::kArithmetic | eflags::kSystem);
    cpu.cpl = 3;
    cpu.seg[i386::kCs] = v86_segment(static_cast<uint16_t>(frame.cs));
    static constexpr unsigned kOrder[5] = {i386::kSs, i386::kEs, i386::kDs, i386::kFs, i386::kGs};
    for (unsigned i = 0; i < 5; ++i)
        cpu.seg[kOrder[i]] = v86_segment(static_cast<uint16_t>(selectors[i]));
    set_gpr<uint32_t>(cpu, i386::kRsp, static_cast<uint32_t>(esp));
    cpu.rip = frame.ip;
    finish(cpu);
    return true;
}

bool check_return_code(Cpu& cpu, uint16_t selector, Descriptor& code) {
    if (is_null(selector)) return raise(cpu, i386::kGeneralProtection, 0);
    if (!read_descriptor(cpu, selector, i386::kGeneralProtection, 0, code)) return false;
    unsigned rpl = rpl_of(selector);
    bool level_fits = code.conforming() ? code.dpl() <= rpl : code.dpl() == rpl;
    if (!code.is_code() || rpl < cpu.cpl || !level_fits) {
        return raise(cpu, i386::kGeneralProtection, selector_error(selector));
    }
    if (!check_code_size(cpu, selector, code)) return false;
    if (!code.present()) return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    return true;
}

bool return_protected(Cpu& cpu, unsigned size) {
    Stack stack(cpu);
    Frame frame;
    if (!pop_frame(stack, size, frame)) return false;
    if (size == 4 && (frame.flags & eflags::kVm) != 0 && cpu.cpl == 0 && !cpu.long_mode()) {
        return return_to_v86(cpu, stack, frame);
    }
    auto selector = static_cast<uint16_t>(frame.cs);
    Descriptor code;
    if (!check_return_code(cpu, selector, code)) return false;
    uint32_t mask = flags_mask(cpu, size, cpu.cpl);
    unsigned level = rpl_of(selector);
    bool outward = level != cpu.cpl;
    bool has_stack = outward || cpu.code64();
    bool to_code64 = cpu.long_mode() && code.long_code();
    OuterStack outer;
    if (has_stack && !pop_outer_stack(cpu, stack, size, level, to_code64 && level != 3, outer)) {
        return false;
    }
    if (!check_code_offset(cpu, code, frame.ip) || !mark_accessed(cpu, selector, code)) {
        return false;
    }
    set_code_segment(cpu, selector, code, level);
    if (!has_stack) {
        stack.commit();
    } else {
        set_outer_stack(cpu, outer, level);
        if (outward) drop_inner_segments(cpu);
    }
    cpu.rip = frame.ip;
    set_eflags(cpu, flags_of(frame), mask);
    finish(cpu);
    return true;
}

// IRET in a nested task: back to the one that called it.
bool return_from_task(Cpu& cpu, uint64_t next_ip) {
    uint16_t link = 0;
    Descriptor tss;
    if (!load_system(cpu, cpu.tr.base, link)) return false;
    uint32_t error = selector_error(link);
    if ((link & 4) != 0) return raise(cpu, i386::kInvalidTss, error);
    if (!read_descriptor(cpu, link, i386::kInvalidTss, 0, tss)) return false;
    if (!tss.is_system(i386::kTss16Busy) && !tss.is_system(i386::kTss32Busy)) {
        return raise(cpu, i386::kInvalidTss, error);
    }
    if (!tss.present()) return raise(cpu, i386::kSegmentNotPresent, error);
    if (!switch_task(cpu, link, tss, TaskSwitch::kReturn, next_ip)) return false;
    finish(cpu);
    return true;
}

}  // namespace

bool interrupt_return(Cpu& cpu, unsigned size, uint64_t next_ip) {
    if (!cpu.protected_mode()) return return_real(cpu, size);
    if (cpu.v86()) return return_v86(cpu, size);
    if (cpu.long_mode()) {
        bool nested = (cpu.eflags & eflags::kNt) != 0;
        return nested ? raise(cpu, i386::kGeneralProtection, 0) : return_protected(cpu, size);
    }
    if ((cpu.eflags & eflags::kNt) != 0) return return_from_task(cpu, next_ip);
    return return_protected(cpu, size);
}

}  // namespace qc::accel::tcg
