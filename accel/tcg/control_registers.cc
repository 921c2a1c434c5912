// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/control_registers.h"

#include "accel/tcg/mmu.h"
#include "accel/tcg/paging.h"

namespace qc::accel::tcg {

namespace {

namespace cr0 = i386::cr0;
namespace cr4 = i386::cr4;
namespace efer = i386::efer;

bool protection_error(Cpu& cpu) {
    return raise(cpu, i386::kGeneralProtection, 0);
}

// The bits of CR4 whose features the model has.
uint64_t allowed_cr4(const i386::CpuModel& model) {
    uint64_t bits = 0;
    if (model.has("mmx")) bits |= cr4::kPce;  // the counters came together with it
    if (model.has("vme")) bits |= cr4::kVme | cr4::kPvi;
    if (model.has("tsc")) bits |= cr4::kTsd;
    if (model.has("de")) bits |= cr4::kDe;
    if (model.has("pse")) bits |= cr4::kPse;
    if (model.has("pae")) bits |= cr4::kPae;
    if (model.has("mce")) bits |= cr4::kMce;
    if (model.has("pge")) bits |= cr4::kPge;
    if (model.has("fxsr")) bits |= cr4::kOsfxsr;
    if (model.has("sse")) bits |= cr4::kOsxmmexcpt;
    return bits;
}

bool write_cr3(Cpu& cpu, uint64_t value) {
    // Only 64-bit code can set them.
    if ((value & (reserved_address_bits(cpu) | 0xfff0000000000000u)) != 0) {
        return protection_error(cpu);
    }
    bool pae = (cpu.cr0 & cr0::kPg) != 0 && (cpu.cr4 & cr4::kPae) != 0 && !cpu.long_mode();
    if (pae && !load_pdptes(cpu, value)) return false;
    cpu.cr3 = value;
    flush_local_tlb(cpu);
    return true;
}

bool write_cr4(Cpu& cpu, uint64_t value) {
    if ((value & ~allowed_cr4(cpu.env.model)) != 0) return protection_error(cpu);
    if (cpu.long_mode() && (value & cr4::kPae) == 0) return protection_error(cpu);
    constexpr uint64_t kPaging = cr4::kPse | cr4::kPae | cr4::kPge;
    bool pae_paging = (cpu.cr0 & cr0::kPg) != 0 && (value & cr4::kPae) != 0 && !cpu.long_mode();
    if (pae_paging && ((value ^ cpu.cr4) & kPaging) != 0 && !load_pdptes(cpu, cpu.cr3)) {
        return false;
    }
    cpu.cr4 = value;
    update_mode(cpu);
    flush_tlb(cpu);
    return true;
}

// DR4 and DR5 are names of DR6 and DR7 unless debug extensions are on.
bool debug_number(Cpu& cpu, unsigned& number) {
    if ((cpu.dr7 & i386::dr7::kGd) != 0) {
        cpu.dr6 |= i386::dr6::kBd;
        cpu.dr7 &= ~i386::dr7::kGd;
        return raise(cpu, i386::kDebug);
    }
    if (number == 4 || number == 5) {
        if ((cpu.cr4 & cr4::kDe) != 0) return raise(cpu, i386::kInvalidOpcode);
        number += 2;
    }
    return true;
}

}  // namespace

bool write_cr0(Cpu& cpu, uint64_t value) {
    if ((value >> 32) != 0) return protection_error(cpu);
    value = (value & cr0::kDefined) | cr0::kEt;
    bool paging = (value & cr0::kPg) != 0;
    if ((paging && (value & cr0::kPe) == 0) ||
        ((value & cr0::kNw) != 0 && (value & cr0::kCd) == 0)) {
        return protection_error(cpu);
    }
    bool paging_changed = ((value ^ cpu.cr0) & cr0::kPg) != 0;
    if (paging_changed && paging) {
        bool pae = (cpu.cr4 & cr4::kPae) != 0;
        if ((cpu.efer & efer::kLme) != 0) {
            // Long mode begins with 32-bit code and a task segment that has a 64-bit
            // meaning.
            bool code64 = (cpu.seg[i386::kCs].attributes & i386::Segment::kLong) != 0;
            bool narrow_task = (cpu.tr.attributes & 8) == 0;
            if (!pae || code64 || narrow_task) return protection_error(cpu);
            cpu.efer |= efer::kLma;
        } else if (pae && !load_pdptes(cpu, cpu.cr3)) {
            return false;
        }
    }
    if (paging_changed && !paging && cpu.code64()) return protection_error(cpu);
    if (paging_changed && !paging) cpu.efer &= ~efer::kLma;
    constexpr uint64_t kTranslation = cr0::kPg | cr0::kWp | cr0::kPe;
    bool flush = ((value ^ cpu.cr0) & kTranslation) != 0;
    cpu.cr0 = value;
    update_mode(cpu);
    if (flush) flush_tlb(cpu);
    return true;
}

bool read_control(Cpu& cpu, unsigned number, uint64_t& value) {
    switch (number) {
        case 0: value = cpu.cr0; return true;
        case 2: value = cpu.cr2; return true;
        case 3: value = cpu.cr3; return true;
        case 4: value = cpu.cr4; return true;
        case 8: {
            if (cpu.env.apic == nullptr) {
                value = 0;
                return true;
            }
            MachineLockGuard guard(cpu.env.lock);
            value = cpu.env.apic->task_priority_class();
            return true;
        }
        default: return raise(cpu, i386::kInvalidOpcode);
    }
}

bool write_control(Cpu& cpu, unsigned number, uint64_t value) {
    switch (number) {
        case 0: return write_cr0(cpu, value);
        case 2: cpu.cr2 = value; return true;
        case 3: return write_cr3(cpu, value);
        case 4: return write_cr4(cpu, value);
        case 8: {
            if (value > 15) return protection_error(cpu);
            if (cpu.env.apic == nullptr) return true;
            MachineLockGuard guard(cpu.env.lock);
            cpu.env.apic->set_task_priority_class(static_cast<uint8_t>(value));
            return true;
        }
        default: return raise(cpu, i386::kInvalidOpcode);
    }
}

bool read_debug(Cpu& cpu, unsigned number, uint64_t& value) {
    if (!debug_number(cpu, number)) return false;
    if (number < 4) {
        value = cpu.dr[number];
    } else {
        value = number == 6 ? cpu.dr6 : cpu.dr7;
    }
    return true;
}

bool write_debug(Cpu& cpu, unsigned number, uint64_t value) {
    if (!debug_number(cpu, number)) return false;
    if (number >= 4 && (value >> 32) != 0) return protection_error(cpu);
    if (number < 4) {
        cpu.dr[number] = value;
    } else if (number == 6) {
        cpu.dr6 = (value & 0xe00f) | i386::dr6::kFixed1;
    } else {
        cpu.dr7 = (value & 0xffff23ff) | i386::dr7::kFixed1;
    }
    update_mode(cpu);
    return true;
}

}  // namespace qc::accel::tcg
