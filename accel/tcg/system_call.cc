// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/system_call.h"

#include "accel/tcg/segmentation.h"

namespace qc::accel::tcg {

namespace {

namespace eflags = i386::eflags;
using i386::Descriptor;

enum class Flat : uint8_t { kData, kCode32, kCode64 };

Descriptor flat_descriptor(Flat kind, unsigned dpl) {
    uint64_t type = kind == Flat::kData ? 0x3 : 0xb;
    uint64_t sizes = kind == Flat::kCode64 ? 0xa : 0xc;
    return {.raw = 0x000f'0000'0000'ffffu | (sizes << 52) |
                   ((0x90u | (uint64_t{dpl} << 5) | type) << 40)};
}

void set_flat_segments(Cpu& cpu, uint16_t code, uint16_t stack, Flat kind, unsigned cpl) {
    set_code_segment(cpu, code, flat_descriptor(kind, cpl), cpl);
    set_segment(cpu, i386::kSs, static_cast<uint16_t>((stack & 0xfffc) | cpl),
                flat_descriptor(Flat::kData, cpl));
}

bool made_by_amd(const Cpu& cpu) {
    return cpu.env.model.vendor == "AuthenticAMD";
}

bool require_system_calls(Cpu& cpu) {
    return (cpu.efer & i386::efer::kSce) != 0 || raise(cpu, i386::kInvalidOpcode);
}

// SYSCALL and SYSRET trap by the TF that they leave, not by the one they began with.
void settle_single_step(Cpu& cpu) {
    cpu.trap_handled = true;
    if ((cpu.eflags & eflags::kTf) == 0) return;
    cpu.dr6 |= i386::dr6::kBs;
    cpu.trap_pending = true;
}

bool has_enter_segments(Cpu& cpu) {
    if (cpu.long_mode() && made_by_amd(cpu)) return raise(cpu, i386::kInvalidOpcode);
    bool usable = cpu.protected_mode() && (cpu.msr.sysenter_cs & 0xfffc) != 0;
    return usable || raise(cpu, i386::kGeneralProtection, 0);
}

}  // namespace

bool system_call(Cpu& cpu, uint64_t next_ip) {
    if (!cpu.code64() && !made_by_amd(cpu)) return raise(cpu, i386::kInvalidOpcode);
    if (!require_system_calls(cpu)) return false;
    if (!cpu.protected_mode()) return raise(cpu, i386::kInvalidOpcode);
    auto selector = static_cast<uint16_t>(cpu.msr.star >> 32);
    auto stack = static_cast<uint16_t>(selector + 8);
    if (!cpu.long_mode()) {
        set_gpr<uint32_t>(cpu, i386::kRcx, static_cast<uint32_t>(next_ip));
        cpu.rip = static_cast<uint32_t>(cpu.msr.star);
        cpu.eflags &= ~(eflags::kIf | eflags::kVm | eflags::kRf);
        set_flat_segments(cpu, selector, stack, Flat::kCode32, 0);
    } else {
        uint32_t flags = cpu.eflags_value() & ~eflags::kRf;
        cpu.gpr[i386::kRcx] = next_ip;
        cpu.gpr[i386::kR11] = flags;
        cpu.rip = cpu.code64() ? cpu.msr.lstar : cpu.msr.cstar;
        auto cleared = static_cast<uint32_t>(cpu.msr.fmask) | eflags::kRf;
        set_flat_segments(cpu, selector, stack, Flat::kCode64, 0);
        set_eflags(cpu, flags & ~cleared, eflags::kArithmetic | (eflags::kSystem & ~eflags::kVm));
    }
    update_request_mask(cpu);
    settle_single_step(cpu);
    return true;
}

bool system_return(Cpu& cpu, unsigned size) {
    if (!cpu.code64() && !made_by_amd(cpu)) return raise(cpu, i386::kInvalidOpcode);
    if (!require_system_calls(cpu)) return false;
    if (!cpu.protected_mode() || cpu.cpl != 0) return raise(cpu, i386::kGeneralProtection, 0);
    uint64_t target = cpu.gpr[i386::kRcx];
    if (size != 8) target &= 0xffffffff;
    if (!check_canonical(cpu, target)) return false;
    auto selector = static_cast<uint16_t>(cpu.msr.star >> 48);
    auto stack = static_cast<uint16_t>(selector + 8);
    if (cpu.long_mode()) {
        set_eflags(cpu, static_cast<uint32_t>(cpu.gpr[i386::kR11]),
                   eflags::kArithmetic | (eflags::kSystem & ~(eflags::kVm | eflags::kRf)));
    } else {
        cpu.eflags |= eflags::kIf;
    }
    cpu.eflags &= ~eflags::kRf;
    bool to_code64 = size == 8;
    auto code = static_cast<uint16_t>(to_code64 ? selector + 16 : selector);
    set_flat_segments(cpu, code, stack, to_code64 ? Flat::kCode64 : Flat::kCode32, 3);
    cpu.rip = target;
    update_request_mask(cpu);
    settle_single_step(cpu);
    return true;
}

bool system_enter(Cpu& cpu) {
    if (!has_enter_segments(cpu)) return false;
    auto selector = static_cast<uint16_t>(cpu.msr.sysenter_cs & 0xfffc);
    bool wide = cpu.long_mode();
    cpu.eflags &= ~(eflags::kVm | eflags::kIf | eflags::kRf);
    set_flat_segments(cpu, selector, static_cast<uint16_t>(selector + 8),
                      wide ? Flat::kCode64 : Flat::kCode32, 0);
    uint64_t mask = wide ? ~uint64_t{0} : 0xffffffff;
    cpu.gpr[i386::kRsp] = cpu.msr.sysenter_esp & mask;
    cpu.rip = cpu.msr.sysenter_eip & mask;
    update_request_mask(cpu);
    return true;
}

bool system_exit(Cpu& cpu, unsigned size) {
    if (!has_enter_segments(cpu)) return false;
    if (cpu.cpl != 0) return raise(cpu, i386::kGeneralProtection, 0);
    bool wide = size == 8;
    uint64_t mask = wide ? ~uint64_t{0} : 0xffffffff;
    uint64_t target = cpu.gpr[i386::kRdx] & mask;
    uint64_t stack = cpu.gpr[i386::kRcx] & mask;
    if (!check_canonical(cpu, target) || !check_canonical(cpu, stack)) return false;
    auto selector = static_cast<uint16_t>((cpu.msr.sysenter_cs & 0xfffc) + (wide ? 32 : 16));
    set_flat_segments(cpu, selector, static_cast<uint16_t>(selector + 8),
                      wide ? Flat::kCode64 : Flat::kCode32, 3);
    cpu.rip = target;
    cpu.gpr[i386::kRsp] = stack;
    return true;
}

}  // namespace qc::accel::tcg
