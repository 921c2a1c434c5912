// SPDX-License-Identifier: GPL-2.0-or-later
//
// CLC STC CMC CLD STD CLI STI LAHF SAHF SALC PUSHF POPF.
#include <Zydis/Mnemonic.h>

#include "accel/tcg/insn.h"
#include "accel/tcg/stack_access.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

namespace eflags = i386::eflags;

void clc(Cpu& cpu, const Op&) {
    cpu.flags.set_cf(false);
}
void stc(Cpu& cpu, const Op&) {
    cpu.flags.set_cf(true);
}
void cmc(Cpu& cpu, const Op&) {
    cpu.flags.set_cf(!cpu.flags.cf());
}
void cld(Cpu& cpu, const Op&) {
    cpu.eflags &= ~eflags::kDf;
}
void std_(Cpu& cpu, const Op&) {
    cpu.eflags |= eflags::kDf;
}
void salc(Cpu& cpu, const Op&) {
    set_gpr<uint8_t>(cpu, i386::kRax, cpu.flags.cf() ? 0xff : 0);
}

constexpr uint32_t kLowFlags = eflags::kSf | eflags::kZf | eflags::kAf | eflags::kPf | eflags::kCf;

void lahf(Cpu& cpu, const Op&) {
    auto flags = static_cast<uint8_t>((cpu.flags.value() & kLowFlags) | eflags::kFixed1);
    set_reg<uint8_t>(cpu, 1, flags);
}
void sahf(Cpu& cpu, const Op&) {
    uint32_t keep = cpu.flags.value() & ~kLowFlags;
    cpu.flags.set_value(keep | (get_reg<uint8_t>(cpu, 1) & kLowFlags));
}

// Whether CLI and STI work on the virtual interrupt flag.
bool uses_virtual_flag(const Cpu& cpu) {
    if (cpu.iopl() == 3) return false;
    if (cpu.v86()) return (cpu.cr4 & i386::cr4::kVme) != 0;
    return cpu.cpl == 3 && (cpu.cr4 & i386::cr4::kPvi) != 0;
}

bool cli(Cpu& cpu, const Op&) {
    if (cpu.protected_mode() && cpu.cpl > cpu.iopl()) {
        if (!uses_virtual_flag(cpu)) return raise(cpu, i386::kGeneralProtection, 0);
        cpu.eflags &= ~eflags::kVif;
        return true;
    }
    cpu.eflags &= ~eflags::kIf;
    update_request_mask(cpu);
    return true;
}

bool sti(Cpu& cpu, const Op&) {
    if (cpu.protected_mode() && cpu.cpl > cpu.iopl()) {
        if (!uses_virtual_flag(cpu) || (cpu.eflags & eflags::kVip) != 0) {
            return raise(cpu, i386::kGeneralProtection, 0);
        }
        cpu.eflags |= eflags::kVif;
        return true;
    }
    if ((cpu.eflags & eflags::kIf) == 0) cpu.shadow_sti = true;
    cpu.eflags |= eflags::kIf;
    update_request_mask(cpu);
    return true;
}

// PUSHF and POPF in virtual-8086 mode below IOPL 3: possible only in 16 bits with VME.
bool sensitive_allowed(const Cpu& cpu, size_t bytes) {
    return !cpu.v86() || cpu.iopl() == 3 || (bytes == 2 && (cpu.cr4 & i386::cr4::kVme) != 0);
}

template <typename T, typename Sp>
bool pushf(Cpu& cpu, const Op&) {
    if (!sensitive_allowed(cpu, sizeof(T))) return raise(cpu, i386::kGeneralProtection, 0);
    uint32_t flags = cpu.eflags_value() & ~(eflags::kVm | eflags::kRf);
    if (cpu.v86() && cpu.iopl() < 3) {
        bool vif = (flags & eflags::kVif) != 0;
        flags = (flags & ~eflags::kIf) | eflags::kIopl | (vif ? eflags::kIf : 0u);
    }
    return push<T, Sp>(cpu, static_cast<T>(flags));
}

template <typename T, typename Sp>
bool popf(Cpu& cpu, const Op&) {
    if (!sensitive_allowed(cpu, sizeof(T))) return raise(cpu, i386::kGeneralProtection, 0);
    T value;
    if (!peek<T, Sp>(cpu, value)) return false;
    auto flags = static_cast<uint32_t>(value);
    uint32_t mask = eflags::kArithmetic | eflags::kTf | eflags::kDf | eflags::kNt;
    if (sizeof(T) > 2) mask |= eflags::kAc | eflags::kId;
    if (!cpu.protected_mode()) {
        mask |= eflags::kIf | eflags::kIopl;
    } else if (cpu.v86() && cpu.iopl() < 3) {
        bool wants_interrupts = (flags & eflags::kIf) != 0;
        if ((flags & eflags::kTf) != 0 || (wants_interrupts && (cpu.eflags & eflags::kVip) != 0)) {
            return raise(cpu, i386::kGeneralProtection, 0);
        }
        flags = (flags & ~eflags::kVif) | (wants_interrupts ? eflags::kVif : 0u);
        mask |= eflags::kVif;
    } else {
        if (cpu.cpl <= cpu.iopl()) mask |= eflags::kIf;
        if (cpu.cpl == 0) mask |= eflags::kIopl;
    }
    move_stack<Sp>(cpu, sizeof(T));
    set_eflags(cpu, flags, mask);
    return true;
}

}  // namespace

Selected select_flags(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_CLC: op.handler = go_on<clc>; return Selected::kYes;
        case ZYDIS_MNEMONIC_STC: op.handler = go_on<stc>; return Selected::kYes;
        case ZYDIS_MNEMONIC_CMC: op.handler = go_on<cmc>; return Selected::kYes;
        case ZYDIS_MNEMONIC_CLD: op.handler = go_on<cld>; return Selected::kYes;
        case ZYDIS_MNEMONIC_STD: op.handler = go_on<std_>; return Selected::kYes;
        case ZYDIS_MNEMONIC_LAHF: op.handler = go_on<lahf>; return Selected::kYes;
        case ZYDIS_MNEMONIC_SAHF: op.handler = go_on<sahf>; return Selected::kYes;
        case ZYDIS_MNEMONIC_SALC: op.handler = go_on<salc>; return Selected::kYes;
        case ZYDIS_MNEMONIC_CLI: op.handler = go_on<cli>; return Selected::kYes;
        case ZYDIS_MNEMONIC_STI: op.handler = leave<sti>; return Selected::kEndsBlock;
        case ZYDIS_MNEMONIC_PUSHF:
        case ZYDIS_MNEMONIC_PUSHFD:
        case ZYDIS_MNEMONIC_PUSHFQ:
            op.handler =
                by_stack(insn, insn.operand_bytes, []<typename T, typename Sp>() -> Handler {
                    return go_on_after_store<pushf<T, Sp>>;
                });
            return Selected::kYes;
        case ZYDIS_MNEMONIC_POPF:
        case ZYDIS_MNEMONIC_POPFD:
        case ZYDIS_MNEMONIC_POPFQ:
            op.handler =
                by_stack(insn, insn.operand_bytes,
                         []<typename T, typename Sp>() -> Handler { return leave<popf<T, Sp>>; });
            return Selected::kEndsBlock;
        default: return Selected::kNo;
    }
}

}  // namespace qc::accel::tcg
