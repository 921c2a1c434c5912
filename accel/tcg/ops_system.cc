// SPDX-License-Identifier: GPL-2.0-or-later
//
// HLT, descriptor-table and control registers, debug registers, INVLPG, SWAPGS, caches,
// CPUID, RDTSC, RDTSCP, RDMSR, WRMSR, #UD.
#include <Zydis/Mnemonic.h>

#include <utility>

#include "accel/tcg/access.h"
#include "accel/tcg/control_registers.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/msr.h"
#include "accel/tcg/threaded.h"
#include "target/i386/msr_values.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

bool require_supervisor(Cpu& cpu) {
    return cpu.cpl == 0 || raise(cpu, i386::kGeneralProtection, 0);
}

bool invalid_opcode(Cpu& cpu, const Op&) {
    return raise(cpu, i386::kInvalidOpcode);
}
bool general_protection(Cpu& cpu, const Op&) {
    return raise(cpu, i386::kGeneralProtection, 0);
}

bool hlt(Cpu& cpu, const Op&) {
    if (!require_supervisor(cpu)) return false;
    cpu.halted = true;
    return true;
}

// With 16-bit operands a table's base has only 24 bits; `Base` has 64 in 64-bit mode.
template <bool kInterrupt, typename Base>
bool load_table(Cpu& cpu, const Op& op) {
    if (!require_supervisor(cpu)) return false;
    uint64_t at = effective_address(cpu, op);
    uint16_t limit = 0;
    Base base = 0;
    if (!load<uint16_t>(cpu, op.seg, at, limit) ||
        !load<Base>(cpu, op.seg, (at + 2) & kAddressMasks[op.address_size], base)) {
        return false;
    }
    if (sizeof(Base) == 4 && op.extra == 2) base &= 0xffffff;
    if (!i386::is_canonical(base)) return raise(cpu, i386::kGeneralProtection, 0);
    (kInterrupt ? cpu.idtr : cpu.gdtr) = {.base = base, .limit = limit};
    return true;
}
template <bool kInterrupt, typename Base>
bool store_table(Cpu& cpu, const Op& op) {
    const i386::TableRegister& table = kInterrupt ? cpu.idtr : cpu.gdtr;
    uint64_t at = effective_address(cpu, op);
    uint64_t base_at = (at + 2) & kAddressMasks[op.address_size];
    // Both parts must be writable before either is written.
    Base probe = 0;
    return load_for_update_slow(cpu, op.seg, base_at, &probe, sizeof(Base)) &&
           store<uint16_t>(cpu, op.seg, at, table.limit) &&
           store<Base>(cpu, op.seg, base_at, static_cast<Base>(table.base));
}

template <typename T>
void smsw_reg(Cpu& cpu, const Op& op) {
    set_reg<T>(cpu, op.dst, static_cast<T>(cpu.cr0));
}
bool smsw_mem(Cpu& cpu, const Op& op) {
    return store_operand<uint16_t>(cpu, op, static_cast<uint16_t>(cpu.cr0));
}
// Can set PE but not clear it.
bool lmsw(Cpu& cpu, const Op& op) {
    if (!require_supervisor(cpu)) return false;
    uint16_t value = 0;
    if (op.extra != 0) {
        if (!load_operand<uint16_t>(cpu, op, value)) return false;
    } else {
        value = get_reg<uint16_t>(cpu, op.dst);
    }
    uint64_t keep = cpu.cr0 & ~uint64_t{0xe};
    return write_cr0(cpu, keep | (value & 0xf));
}
bool clts(Cpu& cpu, const Op&) {
    if (!require_supervisor(cpu)) return false;
    cpu.cr0 &= ~i386::cr0::kTs;
    update_mode(cpu);
    return true;
}

// All of these move 32 bits, in 64-bit mode 64, whatever the operand size.
template <typename T>
bool mov_from_control(Cpu& cpu, const Op& op) {
    if (!require_supervisor(cpu)) return false;
    uint64_t value = 0;
    if (!read_control(cpu, op.src, value)) return false;
    set_reg<T>(cpu, op.dst, static_cast<T>(value));
    return true;
}
template <typename T>
bool mov_to_control(Cpu& cpu, const Op& op) {
    if (!require_supervisor(cpu)) return false;
    return write_control(cpu, op.dst, get_reg<T>(cpu, op.src));
}
template <typename T>
bool mov_from_debug(Cpu& cpu, const Op& op) {
    if (!require_supervisor(cpu)) return false;
    uint64_t value = 0;
    if (!read_debug(cpu, op.src, value)) return false;
    set_reg<T>(cpu, op.dst, static_cast<T>(value));
    return true;
}
template <typename T>
bool mov_to_debug(Cpu& cpu, const Op& op) {
    if (!require_supervisor(cpu)) return false;
    return write_debug(cpu, op.dst, get_reg<T>(cpu, op.src));
}

bool swapgs(Cpu& cpu, const Op&) {
    if (!require_supervisor(cpu)) return false;
    std::swap(cpu.seg[i386::kGs].loaded_base, cpu.msr.kernel_gs_base);
    update_segment(cpu, i386::kGs);
    return true;
}

bool invlpg(Cpu& cpu, const Op& op) {
    if (!require_supervisor(cpu)) return false;
    flush_page(cpu, (cpu.seg[op.seg].base + effective_address(cpu, op)) & cpu.linear_mask);
    return true;
}
// There is no cache to write back.
bool flush_caches(Cpu& cpu, const Op&) {
    return require_supervisor(cpu);
}
bool clflush(Cpu& cpu, const Op& op) {
    uint8_t value = 0;
    return load_operand<uint8_t>(cpu, op, value);
}
void fence(Cpu&, const Op&) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void cpuid(Cpu& cpu, const Op&) {
    i386::CpuidContext context;
    context.apic_id = cpu.env.model.topology.apic_id(cpu.index);
    context.osxsave = (cpu.cr4 & i386::cr4::kOsxsave) != 0;
    if (cpu.env.apic != nullptr) {
        MachineLockGuard guard(cpu.env.lock);
        context.apic_enabled = (cpu.env.apic->apic_base() & (1u << 11)) != 0;
    }
    i386::CpuidRegisters r = cpu.env.model.cpuid(gpr<uint32_t>(cpu, i386::kRax),
                                                 gpr<uint32_t>(cpu, i386::kRcx), context);
    set_gpr<uint32_t>(cpu, i386::kRax, r.eax);
    set_gpr<uint32_t>(cpu, i386::kRbx, r.ebx);
    set_gpr<uint32_t>(cpu, i386::kRcx, r.ecx);
    set_gpr<uint32_t>(cpu, i386::kRdx, r.edx);
}

void set_edx_eax(Cpu& cpu, uint64_t value) {
    set_gpr<uint32_t>(cpu, i386::kRax, static_cast<uint32_t>(value));
    set_gpr<uint32_t>(cpu, i386::kRdx, static_cast<uint32_t>(value >> 32));
}
bool rdtsc(Cpu& cpu, const Op&) {
    if (cpu.cpl != 0 && (cpu.cr4 & i386::cr4::kTsd) != 0) {
        return raise(cpu, i386::kGeneralProtection, 0);
    }
    set_edx_eax(cpu, read_tsc(cpu));
    return true;
}
bool rdtscp(Cpu& cpu, const Op& op) {
    if (!rdtsc(cpu, op)) return false;
    set_gpr<uint32_t>(cpu, i386::kRcx, static_cast<uint32_t>(cpu.msr.tsc_aux));
    return true;
}
bool rdmsr(Cpu& cpu, const Op&) {
    uint64_t value = 0;
    if (!require_supervisor(cpu) || !read_msr(cpu, gpr<uint32_t>(cpu, i386::kRcx), value)) {
        return false;
    }
    set_edx_eax(cpu, value);
    return true;
}
bool wrmsr(Cpu& cpu, const Op&) {
    uint64_t value =
        gpr<uint32_t>(cpu, i386::kRax) | (uint64_t{gpr<uint32_t>(cpu, i386::kRdx)} << 32);
    return require_supervisor(cpu) && write_msr(cpu, gpr<uint32_t>(cpu, i386::kRcx), value);
}

template <typename T>
Handler system_mov_handler(const Insn& insn) {
    if (insn.kind(0) == Kind::kControl) return leave<mov_to_control<T>>;
    if (insn.kind(0) == Kind::kDebug) return leave<mov_to_debug<T>>;
    if (insn.kind(1) == Kind::kControl) return leave<mov_from_control<T>>;
    if (insn.kind(1) == Kind::kDebug) return leave<mov_from_debug<T>>;
    return nullptr;
}

Selected select_mov(const Insn& insn, Op& op) {
    bool wide = (insn.mode & kModeCode64) != 0;
    Handler handler =
        wide ? system_mov_handler<uint64_t>(insn) : system_mov_handler<uint32_t>(insn);
    if (handler == nullptr) return Selected::kNo;
    op.handler = handler;
    return Selected::kEndsBlock;
}

template <typename Base>
Handler table_handler(const Insn& insn) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_LGDT: return go_on<load_table<false, Base>>;
        case ZYDIS_MNEMONIC_LIDT: return go_on<load_table<true, Base>>;
        case ZYDIS_MNEMONIC_SGDT: return go_on_after_store<store_table<false, Base>>;
        default: return go_on_after_store<store_table<true, Base>>;
    }
}

Selected select_table(const Insn& insn, Op& op) {
    op.extra = static_cast<uint16_t>(insn.operand_bytes);
    bool wide = (insn.mode & kModeCode64) != 0;
    op.handler = wide ? table_handler<uint64_t>(insn) : table_handler<uint32_t>(insn);
    return Selected::kYes;
}

Selected select_machine_status(const Insn& insn, Op& op) {
    bool memory = insn.kind(0) == Kind::kMemory;
    if (insn.mnemonic == ZYDIS_MNEMONIC_LMSW) {
        op.extra = memory ? 1 : 0;
        op.handler = leave<lmsw>;
        return Selected::kEndsBlock;
    }
    op.handler = memory ? go_on_after_store<smsw_mem>
                        : by_wide_size(insn.operand_bytes,
                                       []<typename T>() -> Handler { return go_on<smsw_reg<T>>; });
    return Selected::kYes;
}

}  // namespace

Handler invalid_opcode_handler() {
    return branch<invalid_opcode>;
}
Handler general_protection_handler() {
    return branch<general_protection>;
}

Selected select_system(const Insn& insn, Op& op) {
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_MOV: return select_mov(insn, op);
        case ZYDIS_MNEMONIC_LGDT:
        case ZYDIS_MNEMONIC_LIDT:
        case ZYDIS_MNEMONIC_SGDT:
        case ZYDIS_MNEMONIC_SIDT: return select_table(insn, op);
        case ZYDIS_MNEMONIC_SMSW:
        case ZYDIS_MNEMONIC_LMSW: return select_machine_status(insn, op);
        case ZYDIS_MNEMONIC_CPUID: op.handler = go_on<cpuid>; return Selected::kYes;
        case ZYDIS_MNEMONIC_RDTSC: op.handler = go_on<rdtsc>; return Selected::kYes;
        case ZYDIS_MNEMONIC_RDTSCP: op.handler = go_on<rdtscp>; return Selected::kYes;
        case ZYDIS_MNEMONIC_SWAPGS: op.handler = go_on<swapgs>; return Selected::kYes;
        case ZYDIS_MNEMONIC_RDMSR: op.handler = go_on_after_store<rdmsr>; return Selected::kYes;
        case ZYDIS_MNEMONIC_LFENCE:
        case ZYDIS_MNEMONIC_MFENCE:
        case ZYDIS_MNEMONIC_SFENCE: op.handler = go_on<fence>; return Selected::kYes;
        case ZYDIS_MNEMONIC_CLFLUSH: op.handler = go_on<clflush>; return Selected::kYes;
        case ZYDIS_MNEMONIC_INVD:
        case ZYDIS_MNEMONIC_WBINVD: op.handler = go_on<flush_caches>; return Selected::kYes;
        case ZYDIS_MNEMONIC_HLT: op.handler = leave<hlt>; break;
        case ZYDIS_MNEMONIC_CLTS: op.handler = leave<clts>; break;
        case ZYDIS_MNEMONIC_INVLPG: op.handler = leave<invlpg>; break;
        case ZYDIS_MNEMONIC_WRMSR: op.handler = leave<wrmsr>; break;
        // Outside of system management mode RSM does not exist; there is no SMM.
        case ZYDIS_MNEMONIC_RSM:
        case ZYDIS_MNEMONIC_UD0:
        case ZYDIS_MNEMONIC_UD1:
        case ZYDIS_MNEMONIC_UD2: op.handler = invalid_opcode_handler(); break;
        default: return Selected::kNo;
    }
    return Selected::kEndsBlock;
}

}  // namespace qc::accel::tcg
