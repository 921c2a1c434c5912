// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/state_convert.h"

namespace qc::accel::tcg {

namespace {

using i386::MpState;

i386::Segment save_segment(const Segment& segment) {
    i386::Segment saved;
    saved.selector = segment.selector;
    saved.base = segment.loaded_base;
    saved.limit = segment.limit;
    saved.attributes = segment.attributes;
    return saved;
}

Segment load_segment_register(const i386::Segment& saved) {
    return {.loaded_base = saved.base,
            .limit = saved.limit,
            .attributes = saved.attributes,
            .selector = saved.selector};
}

void save_events(const Cpu& cpu, i386::EventState& events) {
    events.shadow_sti = cpu.shadow_sti;
    events.shadow_mov_ss = cpu.shadow_mov_ss;
    events.nmi_masked = cpu.nmi_masked;
    events.single_step = cpu.trap_pending;
    events.sipi_vector = cpu.sipi_vector;
    events.in_smm = false;
    const InjectedEvent& injected = cpu.injected;
    if (!injected.active) return;
    if (injected.external && injected.vector == i386::kNmi) {
        events.nmi_injected = true;
    } else if (injected.external || injected.software) {
        events.interrupt_injected = true;
        events.interrupt_vector = injected.vector;
        events.interrupt_soft = injected.software;
    } else {
        events.exception_injected = true;
        events.exception_vector = injected.vector;
        events.exception_has_error_code = injected.has_error;
        events.exception_error_code = injected.error;
    }
}

void load_events(Cpu& cpu, const i386::EventState& events) {
    cpu.shadow_sti = events.shadow_sti;
    cpu.shadow_mov_ss = events.shadow_mov_ss;
    cpu.nmi_masked = events.nmi_masked;
    cpu.trap_pending = events.single_step;
    cpu.sipi_vector = events.sipi_vector;
    cpu.injected = {};
    if (events.exception_pending || events.exception_injected) {
        cpu.injected = {.active = true,
                        .has_error = events.exception_has_error_code,
                        .vector = events.exception_vector,
                        .error = events.exception_error_code};
    } else if (events.interrupt_injected) {
        cpu.injected = {.active = true,
                        .external = !events.interrupt_soft,
                        .software = events.interrupt_soft,
                        .vector = events.interrupt_vector};
    } else if (events.nmi_injected) {
        cpu.injected = {.active = true, .external = true, .vector = i386::kNmi};
    }
}

}  // namespace

void save_registers(const Cpu& cpu, i386::CpuState& state) {
    for (size_t i = 0; i < i386::kGprCount; ++i)
        state.gpr[i] = cpu.gpr[i];
    // Behind the last byte of a 4 GiB segment: the next fetch faults, wherever it is.
    state.rip = cpu.code64() ? cpu.rip : cpu.rip & 0xffffffff;
    state.rflags = cpu.eflags_value();
    for (size_t i = 0; i < i386::kSegmentCount; ++i)
        state.segments[i] = save_segment(cpu.seg[i]);
    state.ldtr = cpu.ldtr;
    state.tr = cpu.tr;
    state.gdtr = cpu.gdtr;
    state.idtr = cpu.idtr;
    state.cr0 = cpu.cr0;
    state.cr2 = cpu.cr2;
    state.cr3 = cpu.cr3;
    state.cr4 = cpu.cr4;
    state.efer = cpu.efer;
    state.xcr0 = cpu.xcr0;
    state.dr = cpu.dr;
    state.dr6 = cpu.dr6;
    state.dr7 = cpu.dr7;
    cpu.fpu.save(state.fxsave);
    state.msr = cpu.msr;
    save_events(cpu, state.events);
    state.mp_state = MpState::kRunning;
    if (cpu.halted) state.mp_state = MpState::kHalted;
    if (cpu.shutdown) state.mp_state = MpState::kShutdown;
    if (cpu.wait_for_sipi) state.mp_state = MpState::kWaitForSipi;
}

void load_registers(Cpu& cpu, const i386::CpuState& state) {
    for (size_t i = 0; i < i386::kGprCount; ++i)
        cpu.gpr[i] = state.gpr[i];
    cpu.rip = state.rip;
    auto flags = static_cast<uint32_t>(state.rflags);
    cpu.flags.set_value(flags);
    cpu.eflags = (flags & i386::eflags::kSystem) | i386::eflags::kFixed1;
    for (size_t i = 0; i < i386::kSegmentCount; ++i)
        cpu.seg[i] = load_segment_register(state.segments[i]);
    cpu.ldtr = state.ldtr;
    cpu.tr = state.tr;
    cpu.gdtr = state.gdtr;
    cpu.idtr = state.idtr;
    cpu.cr0 = state.cr0;
    cpu.cr2 = state.cr2;
    cpu.cr3 = state.cr3;
    cpu.cr4 = state.cr4;
    cpu.efer = state.efer;
    cpu.xcr0 = state.xcr0;
    cpu.dr = state.dr;
    cpu.dr6 = state.dr6;
    cpu.dr7 = state.dr7;
    cpu.fpu.load(state.fxsave);
    cpu.msr = state.msr;
    load_events(cpu, state.events);
    cpu.halted = state.mp_state == MpState::kHalted || state.mp_state == MpState::kShutdown;
    cpu.shutdown = state.mp_state == MpState::kShutdown;
    cpu.wait_for_sipi = state.mp_state == MpState::kWaitForSipi;
    // The privilege level is not a field of its own: it is SS' DPL.
    if (cpu.v86()) {
        cpu.cpl = 3;
    } else {
        cpu.cpl = cpu.protected_mode() ? static_cast<uint8_t>(cpu.seg[i386::kSs].dpl()) : 0;
    }
    cpu.exception = {};
    cpu.stopped_at = nullptr;
}

}  // namespace qc::accel::tcg
