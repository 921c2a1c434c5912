// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/task_switch.h"

#include <array>

#include "accel/tcg/paging.h"
#include "accel/tcg/segmentation.h"

namespace qc::accel::tcg {

namespace {

namespace eflags = i386::eflags;
using i386::Descriptor;

// What a task state segment holds, in either format.
struct Task {
    uint32_t cr3 = 0;
    uint32_t ip = 0;
    uint32_t flags = 0;
    std::array<uint32_t, 8> registers{};
    std::array<uint16_t, 6> selectors{};  // ES CS SS DS FS GS
    uint16_t ldt = 0;
    uint16_t trap = 0;
};

struct Layout {
    bool wide;
    uint32_t ip() const { return wide ? 32 : 14; }
    uint32_t flags() const { return wide ? 36 : 16; }
    uint32_t reg(unsigned i) const { return wide ? 40 + i * 4 : 18 + i * 2; }
    uint32_t selector(unsigned i) const { return wide ? 72 + i * 4 : 34 + i * 2; }
    uint32_t ldt() const { return wide ? 96 : 42; }
    unsigned selectors() const { return wide ? 6 : 4; }
    uint32_t smallest_limit() const { return wide ? 103 : 43; }
};

bool load_word(Cpu& cpu, uint64_t linear, bool wide, uint32_t& value) {
    if (wide) return load_system(cpu, linear, value);
    uint16_t narrow = 0;
    if (!load_system(cpu, linear, narrow)) return false;
    value = narrow;
    return true;
}

bool store_word(Cpu& cpu, uint64_t linear, bool wide, uint32_t value) {
    if (wide) return store_system(cpu, linear, value);
    return store_system(cpu, linear, static_cast<uint16_t>(value));
}

bool read_task(Cpu& cpu, uint64_t base, Layout layout, Task& task) {
    bool wide = layout.wide;
    if (wide && !load_system(cpu, base + 28, task.cr3)) return false;
    if (!load_word(cpu, base + layout.ip(), wide, task.ip) ||
        !load_word(cpu, base + layout.flags(), wide, task.flags)) {
        return false;
    }
    for (unsigned i = 0; i < 8; ++i) {
        if (!load_word(cpu, base + layout.reg(i), wide, task.registers[i])) return false;
        if (!wide) task.registers[i] |= 0xffff0000;
    }
    for (unsigned i = 0; i < layout.selectors(); ++i) {
        if (!load_system(cpu, base + layout.selector(i), task.selectors[i])) return false;
    }
    if (!load_system(cpu, base + layout.ldt(), task.ldt)) return false;
    return !wide || load_system(cpu, base + 100, task.trap);
}

bool save_task(Cpu& cpu, TaskSwitch kind, uint64_t next_ip) {
    Layout layout{.wide = (cpu.tr.attributes & 8) != 0};
    bool wide = layout.wide;
    uint64_t base = cpu.tr.base;
    uint32_t flags = cpu.eflags_value();
    if (kind == TaskSwitch::kReturn) flags &= ~eflags::kNt;
    // All of it lies on at most two pages: look before the first byte is written.
    if (!probe_store(cpu, base + layout.ip(), layout.ldt() - layout.ip(), Privilege::kSupervisor)) {
        return false;
    }
    if (!store_word(cpu, base + layout.ip(), wide, static_cast<uint32_t>(next_ip)) ||
        !store_word(cpu, base + layout.flags(), wide, flags)) {
        return false;
    }
    for (unsigned i = 0; i < 8; ++i) {
        if (!store_word(cpu, base + layout.reg(i), wide, gpr<uint32_t>(cpu, i))) return false;
    }
    for (unsigned i = 0; i < layout.selectors(); ++i) {
        if (!store_system(cpu, base + layout.selector(i), cpu.seg[i].selector)) return false;
    }
    return true;
}

bool task_error(Cpu& cpu, uint16_t selector) {
    return raise(cpu, i386::kInvalidTss, selector_error(selector));
}

bool load_task_ldt(Cpu& cpu, uint16_t selector) {
    cpu.ldtr = {};
    cpu.ldtr.selector = selector;
    cpu.ldtr.attributes = i386::Segment::kUnusable;
    if (is_null(selector)) return true;
    Descriptor ldt;
    if ((selector & 4) != 0) return task_error(cpu, selector);
    if (!read_descriptor(cpu, selector, i386::kInvalidTss, 0, ldt)) return false;
    if (!ldt.is_system(i386::kLdt) || !ldt.present()) return task_error(cpu, selector);
    cpu.ldtr = system_segment(selector, {.lower = ldt});
    return true;
}

bool load_task_code(Cpu& cpu, uint16_t selector) {
    Descriptor code;
    if (is_null(selector)) return task_error(cpu, selector);
    if (!read_descriptor(cpu, selector, i386::kInvalidTss, 0, code)) return false;
    unsigned rpl = rpl_of(selector);
    bool level_fits = code.conforming() ? code.dpl() <= rpl : code.dpl() == rpl;
    if (!code.is_code() || !level_fits) return task_error(cpu, selector);
    if (!code.present()) {
        return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    }
    if (!mark_accessed(cpu, selector, code)) return false;
    set_code_segment(cpu, selector, code, rpl);
    return true;
}

bool load_task_data(Cpu& cpu, unsigned segment, uint16_t selector) {
    Descriptor data;
    if (is_null(selector)) {
        set_null_segment(cpu, segment, selector);
        return true;
    }
    if (!read_descriptor(cpu, selector, i386::kInvalidTss, 0, data)) return false;
    bool conforming = data.is_code() && data.conforming();
    bool level_fits = conforming || (data.dpl() >= cpu.cpl && data.dpl() >= rpl_of(selector));
    if (!data.non_system() || !data.readable() || !level_fits) return task_error(cpu, selector);
    if (!data.present()) return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    if (!mark_accessed(cpu, selector, data)) return false;
    set_segment(cpu, segment, selector, data);
    return true;
}

bool load_task_segments(Cpu& cpu, const Task& task) {
    if (cpu.v86()) {
        cpu.cpl = 3;
        for (unsigned i = 0; i < 6; ++i)
            cpu.seg[i] = v86_segment(task.selectors[i]);
        update_mode(cpu);
        return load_task_ldt(cpu, task.ldt);
    }
    // Until each is loaded, none may be used.
    cpu.cpl = static_cast<uint8_t>(rpl_of(task.selectors[i386::kCs]));
    for (unsigned i = 0; i < 6; ++i)
        set_null_segment(cpu, i, task.selectors[i]);
    update_mode(cpu);
    if (!load_task_ldt(cpu, task.ldt) || !load_task_code(cpu, task.selectors[i386::kCs])) {
        return false;
    }
    Descriptor ss;
    uint16_t ss_selector = task.selectors[i386::kSs];
    if (!read_stack_descriptor(cpu, ss_selector, cpu.cpl, i386::kInvalidTss, 0, ss) ||
        !mark_accessed(cpu, ss_selector, ss)) {
        return false;
    }
    set_segment(cpu, i386::kSs, ss_selector, ss);
    for (unsigned i : {i386::kEs, i386::kDs, i386::kFs, i386::kGs}) {
        if (!load_task_data(cpu, i, task.selectors[i])) return false;
    }
    return true;
}

void load_task_registers(Cpu& cpu, const Task& task, bool wide) {
    if (wide && (cpu.cr0 & i386::cr0::kPg) != 0) {
        cpu.cr3 = task.cr3;
        if ((cpu.cr4 & i386::cr4::kPae) != 0 && !load_pdptes(cpu, cpu.cr3)) cpu.exception = {};
        flush_tlb(cpu);
    }
    cpu.rip = task.ip;
    set_eflags(cpu, task.flags, eflags::kArithmetic | eflags::kSystem);
    if (!wide) cpu.eflags &= 0xffff;
    for (unsigned i = 0; i < 8; ++i)
        set_gpr<uint32_t>(cpu, i, task.registers[i]);
}

}  // namespace

bool switch_task(Cpu& cpu, uint16_t selector, const Descriptor& tss, TaskSwitch kind,
                 uint64_t next_ip) {
    Layout layout{.wide = (tss.type() & 8) != 0};
    if (tss.limit() < layout.smallest_limit()) return task_error(cpu, selector);
    Task task;
    if (!read_task(cpu, tss.base(), layout, task)) return false;
    if (!save_task(cpu, kind, next_ip)) return false;
    uint16_t old = cpu.tr.selector;
    if (kind != TaskSwitch::kCall && !mark_tss_busy(cpu, old, false)) return false;
    if (kind == TaskSwitch::kCall) {
        if (!store_system(cpu, uint64_t{tss.base()}, old)) return false;
        task.flags |= eflags::kNt;
    }
    if (kind != TaskSwitch::kReturn && !mark_tss_busy(cpu, selector, true)) return false;

    cpu.tr = system_segment(selector, {.lower = tss});
    cpu.tr.attributes |= 2;  // busy
    cpu.cr0 |= i386::cr0::kTs;
    cpu.dr7 &= ~i386::dr7::kLocalEnables;
    load_task_registers(cpu, task, layout.wide);
    bool loaded = load_task_segments(cpu, task);
    update_mode(cpu);
    // A fault from here on is the new task's, at its first instruction.
    cpu.fault_at_rip = true;
    if (!loaded) return false;
    if (cpu.rip > cpu.seg[i386::kCs].limit) return raise(cpu, i386::kGeneralProtection, 0);
    if ((task.trap & 1) != 0) {
        cpu.dr6 |= i386::dr6::kBt;
        cpu.trap_pending = true;
    }
    return true;
}

}  // namespace qc::accel::tcg
