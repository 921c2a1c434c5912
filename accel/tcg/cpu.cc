// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/cpu.h"

#include "accel/tcg/watchpoints.h"

namespace qc::accel::tcg {

namespace eflags = i386::eflags;

namespace {

void derive_mode(Cpu& cpu) {
    if (!cpu.protected_mode()) cpu.cpl = 0;
    const Segment& cs = cpu.seg[i386::kCs];
    bool code64 = cpu.long_mode() && (cs.attributes & i386::Segment::kLong) != 0;
    cpu.mode = 0;
    if (code64) {
        cpu.mode |= kModeCode64;
    } else if (cs.big()) {
        cpu.mode |= kModeCode32;
    }
    if (cpu.seg[i386::kSs].big()) cpu.mode |= kModeStack32;
    if (!cpu.paragraph_mode()) cpu.mode |= kModeProtected;
    cpu.linear_mask = code64 ? ~uint64_t{0} : 0xffffffff;
    cpu.table_mask = cpu.long_mode() ? ~uint64_t{0} : 0xffffffff;
    cpu.tlb = cpu.cpl == 3 ? &cpu.user_tlb : &cpu.supervisor_tlb;
}

void update_all_segments(Cpu& cpu) {
    cpu.segment_rules = segment_rules(cpu);
    for (unsigned segment = 0; segment < i386::kSegmentCount; ++segment)
        update_segment(cpu, segment);
}

}  // namespace

void update_mode(Cpu& cpu) {
    derive_mode(cpu);
    update_watchpoints(cpu);
    update_all_segments(cpu);
}

void update_mode_by(Cpu& cpu, unsigned segment) {
    derive_mode(cpu);
    if (segment_rules(cpu) == cpu.segment_rules) {
        update_segment(cpu, segment);
    } else {
        update_all_segments(cpu);
    }
}

void update_request_mask(Cpu& cpu) {
    uint32_t mask = ~0u;
    bool shadow = cpu.shadow_sti || cpu.shadow_mov_ss;
    if (shadow || (cpu.eflags & eflags::kIf) == 0) mask &= ~uint32_t{kRequestInterrupt};
    if (shadow || cpu.nmi_masked) mask &= ~uint32_t{kRequestNmi};
    if (!cpu.wait_for_sipi) mask &= ~uint32_t{kRequestStartup};
    // There is no system management mode to enter.
    mask &= ~uint32_t{kRequestSmi};
    // INIT is taken: left for later, it would undo the start-up that comes after it.
    if (cpu.wait_for_sipi) mask &= ~uint32_t{kRequestInterrupt | kRequestNmi};
    cpu.request_mask = mask;
}

void set_eflags(Cpu& cpu, uint32_t value, uint32_t mask) {
    uint32_t before = cpu.eflags;
    uint32_t arithmetic = mask & eflags::kArithmetic;
    if (arithmetic != 0) {
        uint32_t keep = arithmetic == eflags::kArithmetic ? 0 : cpu.flags.value() & ~arithmetic;
        cpu.flags.set_value(keep | (value & arithmetic));
    }
    uint32_t system = mask & eflags::kSystem;
    cpu.eflags = (cpu.eflags & ~system) | (value & system) | eflags::kFixed1;
    // RF matters only to instruction breakpoints.
    if (!cpu.watch_code) cpu.eflags &= ~eflags::kRf;
    if (((before ^ cpu.eflags) & (eflags::kAc | eflags::kVm)) != 0) update_mode(cpu);
    update_request_mask(cpu);
}

uint64_t read_tsc(const Cpu& cpu) {
    return static_cast<uint64_t>(cpu.env.clock.now_ns() + cpu.tsc_offset);
}

}  // namespace qc::accel::tcg
