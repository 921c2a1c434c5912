// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/msr.h"

#include <algorithm>

#include "accel/tcg/mmu.h"
#include "accel/tcg/paging.h"
#include "target/i386/msr_values.h"

namespace qc::accel::tcg {

namespace {

namespace msr = i386::msr;

// Eight variable ranges, fixed ranges, write-combining.
constexpr uint64_t kMtrrCapValue = i386::kVariableMtrrCount | (1u << 8) | (1u << 10);
// No machine-check banks' worth of errors ever: ten banks that stay clear.
constexpr unsigned kMcBanks = 10;
constexpr uint64_t kMcgCapValue = kMcBanks | (1u << 8) | (1u << 24);

uint64_t* fixed_mtrr(Cpu& cpu, uint32_t index) {
    auto& fixed = cpu.msr.mtrr_fixed;
    if (index == msr::kMtrrFix64k) return &fixed[0];
    if (index == msr::kMtrrFix16k0 || index == msr::kMtrrFix16k1) {
        return &fixed[1 + (index - msr::kMtrrFix16k0)];
    }
    if (index >= msr::kMtrrFix4k0 && index < msr::kMtrrFix4k0 + 8) {
        return &fixed[3 + (index - msr::kMtrrFix4k0)];
    }
    return nullptr;
}

uint64_t* variable_mtrr(Cpu& cpu, uint32_t index) {
    uint32_t number = index - msr::kMtrrPhysBase0;
    if (number >= 2 * i386::kVariableMtrrCount) return nullptr;
    i386::VariableMtrr& range = cpu.msr.mtrr_variable[number / 2];
    return number % 2 == 0 ? &range.base : &range.mask;
}

// Registers that simply hold what was written.
uint64_t* plain_register(Cpu& cpu, uint32_t index) {
    switch (index) {
        case msr::kSysenterCs: return &cpu.msr.sysenter_cs;
        case msr::kSysenterEsp: return &cpu.msr.sysenter_esp;
        case msr::kSysenterEip: return &cpu.msr.sysenter_eip;
        case msr::kMcgStatus: return &cpu.msr.mcg_status;
        case msr::kMcgCtl: return &cpu.msr.mcg_ctl;
        case msr::kMiscEnable: return &cpu.msr.misc_enable;
        case msr::kDebugCtl: return &cpu.msr.debugctl;
        case msr::kStar: return &cpu.msr.star;
        case msr::kLstar: return &cpu.msr.lstar;
        case msr::kCstar: return &cpu.msr.cstar;
        case msr::kFmask: return &cpu.msr.fmask;
        case msr::kKernelGsBase: return &cpu.msr.kernel_gs_base;
        case msr::kTscAux: return &cpu.msr.tsc_aux;
        case msr::kPat: return &cpu.msr.pat;
        case msr::kMtrrDefType: return &cpu.msr.mtrr_def_type;
        default: break;
    }
    if (uint64_t* fixed = fixed_mtrr(cpu, index)) return fixed;
    return variable_mtrr(cpu, index);
}

// Whether the model has the feature that brings a register. By bits, as kernels write
// FS_BASE and its like often.
bool exists(const Cpu& cpu, uint32_t index) {
    using enum i386::FeatureWord;
    const i386::CpuModel& model = cpu.env.model;
    switch (index) {
        case msr::kSysenterCs:
        case msr::kSysenterEsp:
        case msr::kSysenterEip: return model.has(k1Edx, 11);
        case msr::kStar:
        case msr::kLstar:
        case msr::kCstar:
        case msr::kFmask: return model.has(k80000001Edx, 11);
        case msr::kFsBase:
        case msr::kGsBase:
        case msr::kKernelGsBase: return model.has(k80000001Edx, 29);
        case msr::kTscAux: return model.has(k80000001Edx, 27);
        // With SYSCALL, NX or long mode.
        case msr::kEfer:
            return model.has(k80000001Edx, 11) || model.has(k80000001Edx, 20) ||
                   model.has(k80000001Edx, 29);
        case msr::kApicBase: return model.has(k1Edx, 9);
        case msr::kTsc: return model.has(k1Edx, 4);
        case msr::kPat: return model.has(k1Edx, 16);
        case msr::kMcgCap:
        case msr::kMcgStatus:
        case msr::kMcgCtl: return model.has(k1Edx, 14);
        case msr::kMtrrCap:
        case msr::kMtrrDefType:
        case msr::kMtrrFix64k:
        case msr::kMtrrFix16k0:
        case msr::kMtrrFix16k1: return model.has(k1Edx, 12);
        case msr::kTscDeadline: return model.has(k1Ecx, 24);
        default: break;
    }
    bool mtrr = (index >= msr::kMtrrFix4k0 && index < msr::kMtrrFix4k0 + 8) ||
                (index >= msr::kMtrrPhysBase0 &&
                 index < msr::kMtrrPhysBase0 + 2 * i386::kVariableMtrrCount);
    return !mtrr || model.has(k1Edx, 12);
}

bool is_machine_check_bank(uint32_t index) {
    return index >= msr::kMc0Ctl && index < msr::kMc0Ctl + 4 * kMcBanks;
}

// Registers of AMD processors that kernels read and find empty.
bool reads_as_zero(uint32_t index) {
    switch (index) {
        case msr::kPlatformId:
        case msr::kPerfStatus:
        case 0xc0010010:  // SYSCFG
        case 0xc0010015:  // HWCR
        case 0xc001001f:  // NB_CFG
        case 0xc0010055:  // interrupt pending
        case 0xc0010058:  // MMIO configuration base
        case 0xc0010061:  // P-state limit
        case 0xc0010062:  // P-state control
        case 0xc0010063:  // P-state status
        case 0xc0010112:  // TSEG address
        case 0xc0010114:  // VM_CR
        case 0xc0010117:  // VM_HSAVE_PA
        case 0xc0010140:  // OSVW length
        case 0xc0010141:  // OSVW status
        case 0xc0011022:  // DC_CFG
        case 0xc0011029:  // DE_CFG
            return true;
        default: return is_machine_check_bank(index);
    }
}

// Whether a register takes the value; WRMSR of any other faults.
bool accepts(uint32_t index, uint64_t value) {
    if (index >= msr::kMtrrPhysBase0 &&
        index < msr::kMtrrPhysBase0 + 2 * i386::kVariableMtrrCount) {
        return (index - msr::kMtrrPhysBase0) % 2 == 0 ? i386::is_variable_mtrr_base(value)
                                                      : i386::is_variable_mtrr_mask(value);
    }
    switch (index) {
        case msr::kSysenterEsp:
        case msr::kSysenterEip:
        case msr::kLstar:
        case msr::kCstar:
        case msr::kKernelGsBase:
        case msr::kFsBase:
        case msr::kGsBase: return i386::is_canonical(value);
        case msr::kTscAux:
        case msr::kFmask: return (value >> 32) == 0;
        case msr::kPat: return i386::is_pat(value);
        case msr::kMtrrDefType: return i386::is_mtrr_def_type(value);
        case msr::kMtrrFix64k:
        case msr::kMtrrFix16k0:
        case msr::kMtrrFix16k1: return i386::is_fixed_mtrr(value);
        default: break;
    }
    // The banks have no sources of errors: what they would report can only be cleared.
    if (is_machine_check_bank(index)) return (index - msr::kMc0Ctl) % 4 == 0 || value == 0;
    const bool fixed = index >= msr::kMtrrFix4k0 && index < msr::kMtrrFix4k0 + 8;
    return !fixed || i386::is_fixed_mtrr(value);
}

void set_segment_base(Cpu& cpu, unsigned segment, uint64_t value) {
    cpu.seg[segment].loaded_base = value;
    update_segment(cpu, segment);
}

bool write_efer(Cpu& cpu, uint64_t value) {
    uint64_t allowed = i386::efer::kLma;
    if (cpu.env.model.has("syscall")) allowed |= i386::efer::kSce;
    if (cpu.env.model.has("nx")) allowed |= i386::efer::kNxe;
    if (cpu.env.model.has("lm")) allowed |= i386::efer::kLme;
    bool long_changed = ((value ^ cpu.efer) & i386::efer::kLme) != 0;
    if ((value & ~allowed) != 0 || (long_changed && (cpu.cr0 & i386::cr0::kPg) != 0)) {
        return raise(cpu, i386::kGeneralProtection, 0);
    }
    // LMA is the processor's own.
    cpu.efer = (value & ~i386::efer::kLma) | (cpu.efer & i386::efer::kLma);
    flush_tlb(cpu);
    return true;
}

bool write_apic_base(Cpu& cpu, uint64_t value) {
    if (cpu.env.apic == nullptr) return raise(cpu, i386::kGeneralProtection, 0);
    bool accepted = false;
    {
        MachineLockGuard guard(cpu.env.lock);
        accepted = cpu.env.apic->set_apic_base(value);
    }
    if (!accepted) return raise(cpu, i386::kGeneralProtection, 0);
    return true;
}

void write_deadline(Cpu& cpu, uint64_t value) {
    cpu.msr.tsc_deadline = value;
    MachineLockGuard guard(cpu.env.lock);
    arm_deadline(cpu);
}

// 0 once it has been reached, and while the timer is in another mode.
uint64_t read_deadline(Cpu& cpu) {
    MachineLockGuard guard(cpu.env.lock);
    const bool pending = cpu.env.apic != nullptr && cpu.env.apic->deadline_pending();
    return pending && cpu.msr.tsc_deadline > read_tsc(cpu) ? cpu.msr.tsc_deadline : 0;
}

// The TSC was set: what is due at one of its readings is due at another time.
void move_tsc(Cpu& cpu, int64_t change) {
    cpu.tsc_offset += change;
    if (cpu.msr.tsc_deadline == 0) return;
    MachineLockGuard guard(cpu.env.lock);
    if (cpu.env.apic != nullptr && cpu.env.apic->deadline_pending()) arm_deadline(cpu);
}

bool read_apic_base(Cpu& cpu, uint64_t& value) {
    if (cpu.env.apic == nullptr) return raise(cpu, i386::kGeneralProtection, 0);
    MachineLockGuard guard(cpu.env.lock);
    value = cpu.env.apic->apic_base();
    return true;
}

}  // namespace

void arm_deadline(Cpu& cpu) {
    // Far enough for any guest, and no sum overflows.
    constexpr uint64_t kFarthestNs = uint64_t{1} << 61;
    if (cpu.env.apic == nullptr) return;
    const uint64_t deadline = cpu.msr.tsc_deadline;
    if (deadline == 0) return cpu.env.apic->set_deadline_ns({});
    const uint64_t tsc = read_tsc(cpu);
    const uint64_t left = deadline > tsc ? std::min(deadline - tsc, kFarthestNs) : 0;
    cpu.env.apic->set_deadline_ns(cpu.env.clock.now_ns() + static_cast<int64_t>(left));
}

bool read_msr(Cpu& cpu, uint32_t index, uint64_t& value) {
    if (!exists(cpu, index)) return raise(cpu, i386::kGeneralProtection, 0);
    switch (index) {
        case msr::kTsc: value = read_tsc(cpu); return true;
        case msr::kApicBase: return read_apic_base(cpu, value);
        case msr::kTscAdjust: value = cpu.msr.tsc_adjust; return true;
        case msr::kTscDeadline: value = read_deadline(cpu); return true;
        case msr::kUcodeRev: value = uint64_t{0x01000065} << 32; return true;
        case msr::kMtrrCap: value = kMtrrCapValue; return true;
        case msr::kMcgCap: value = kMcgCapValue; return true;
        case msr::kEfer: value = cpu.efer; return true;
        case msr::kFsBase: value = cpu.seg[i386::kFs].loaded_base; return true;
        case msr::kGsBase: value = cpu.seg[i386::kGs].loaded_base; return true;
        default: break;
    }
    if (const uint64_t* plain = plain_register(cpu, index)) {
        value = *plain;
        return true;
    }
    value = 0;
    return reads_as_zero(index) || raise(cpu, i386::kGeneralProtection, 0);
}

bool write_msr(Cpu& cpu, uint32_t index, uint64_t value) {
    if (!exists(cpu, index) || !accepts(index, value))
        return raise(cpu, i386::kGeneralProtection, 0);
    switch (index) {
        case msr::kTsc: {
            auto change = static_cast<int64_t>(value - read_tsc(cpu));
            move_tsc(cpu, change);
            cpu.msr.tsc_adjust += static_cast<uint64_t>(change);
            return true;
        }
        case msr::kTscAdjust:
            move_tsc(cpu, static_cast<int64_t>(value - cpu.msr.tsc_adjust));
            cpu.msr.tsc_adjust = value;
            return true;
        case msr::kTscDeadline: write_deadline(cpu, value); return true;
        case msr::kApicBase: return write_apic_base(cpu, value);
        case msr::kUcodeRev: return true;
        case msr::kEfer: return write_efer(cpu, value);
        case msr::kFsBase: set_segment_base(cpu, i386::kFs, value); return true;
        case msr::kGsBase: set_segment_base(cpu, i386::kGs, value); return true;
        default: break;
    }
    if (uint64_t* plain = plain_register(cpu, index)) {
        *plain = value;
        return true;
    }
    return reads_as_zero(index) || raise(cpu, i386::kGeneralProtection, 0);
}

}  // namespace qc::accel::tcg
