// SPDX-License-Identifier: GPL-2.0-or-later
//
// x87: everything that computes runs on the host's FPU (x87_host.h); what controls
// the unit or moves its state is here.
#include <Zydis/Mnemonic.h>

#include <algorithm>
#include <array>

#include "accel/tcg/access.h"
#include "accel/tcg/fpu_access.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/segmentation.h"
#include "accel/tcg/threaded.h"
#include "accel/tcg/x87_host.h"

namespace qc::accel::tcg {

namespace {

namespace cr0 = i386::cr0;

// FCOMI, FCOMIP, FUCOMI, FUCOMIP.
bool compares_to_flags(uint8_t opcode, uint8_t modrm) {
    return (opcode == 0xdb || opcode == 0xdf) && modrm >= 0xe8 && modrm < 0xf8;
}

constexpr uint32_t kUnordered = i386::eflags::kZf | i386::eflags::kPf | i386::eflags::kCf;

// Exceptions that keep a result from memory, and with it from leaving the stack. (Those
// in registers are settled by the host: operands kept, or a wrapped exponent.)
constexpr uint16_t kNoStore = x87_status::kExceptions & ~x87_status::kPrecision;

// extra: opcode in the low byte, modrm in the high one. imm: bytes of the memory
// operand; negative if it is written.
bool compute(Cpu& cpu, const Op& op) {
    if (!x87_ready(cpu)) return false;
    auto opcode = static_cast<uint8_t>(op.extra);
    auto modrm = static_cast<uint8_t>(op.extra >> 8);
    alignas(16) std::array<uint8_t, 16> operand{};
    bool writes = op.imm < 0;
    auto bytes = static_cast<unsigned>(writes ? -op.imm : op.imm);
    if (bytes > 0 && !writes &&
        !load_slow(cpu, op.seg, effective_address(cpu, op), operand.data(), bytes)) {
        return false;
    }
    FpuState& fpu = cpu.fpu;
    fpu.release_host();
    std::array<uint8_t, FpuState::kX87Size> before;
    std::copy_n(fpu.image.data(), before.size(), before.data());
    uint16_t status_before = fpu.status();
    uint64_t data_pointer = fpu.data_pointer();
    uint64_t flags = cpu.flags.value();
    execute_on_host(fpu, opcode, modrm, operand.data(), flags);

    constexpr uint16_t kSticky = x87_status::kExceptions | x87_status::kStackFault;
    uint16_t raised = fpu.status() & kSticky;
    uint16_t unmasked = raised & static_cast<uint16_t>(~fpu.control());
    if (writes && (unmasked & kNoStore) == 0 && !store_bytes(cpu, op, operand.data(), bytes)) {
        std::copy_n(before.data(), before.size(), fpu.image.data());
        return false;
    }
    if (compares_to_flags(opcode, modrm)) {
        // OF, SF and AF become zero. What cannot be compared is unordered, also where that
        // is an unmasked exception: AMD's processors set the flags then, Intel's do not.
        bool unordered = (unmasked & x87_status::kInvalid) != 0;
        cpu.flags.set_value(unordered ? kUnordered : static_cast<uint32_t>(flags));
    }
    fpu.set_status(
        static_cast<uint16_t>((fpu.status() & 0x7f00) | (status_before & kSticky) | raised));
    fpu.update_summary();
    fpu.set_opcode(static_cast<uint16_t>(((opcode & 7) << 8) | modrm));
    fpu.set_instruction_pointer(cpu.ip_of(op));
    fpu.instruction_selector = cpu.seg[i386::kCs].selector;
    if (bytes > 0) {
        data_pointer = effective_address(cpu, op);
        fpu.data_selector = cpu.seg[op.seg].selector;
    }
    // Not all hosts save and load it while nothing is pending.
    fpu.set_data_pointer(data_pointer);
    return true;
}

bool fninit(Cpu& cpu, const Op&) {
    if (!x87_available(cpu)) return false;
    cpu.fpu.initialize();
    note_x87_error_gone(cpu);
    return true;
}
bool fnclex(Cpu& cpu, const Op&) {
    if (!x87_available(cpu)) return false;
    cpu.fpu.set_status(cpu.fpu.status() & 0x7f00);
    note_x87_error_gone(cpu);
    return true;
}
bool fnop(Cpu& cpu, const Op&) {
    return x87_ready(cpu);
}
// FENI, FDISI and FSETPM of the coprocessors of old.
bool no_operation(Cpu& cpu, const Op&) {
    return x87_available(cpu);
}

bool fwait(Cpu& cpu, const Op&) {
    constexpr uint64_t kBoth = cr0::kMp | cr0::kTs;
    if ((cpu.cr0 & kBoth) == kBoth) return raise(cpu, i386::kDeviceNotAvailable);
    return x87_settled(cpu);
}

bool fldcw(Cpu& cpu, const Op& op) {
    uint16_t control = 0;
    if (!x87_ready(cpu) || !load_operand<uint16_t>(cpu, op, control)) return false;
    cpu.fpu.set_control(control);
    cpu.fpu.update_summary();
    note_x87_error_gone(cpu);
    return true;
}
bool fnstcw(Cpu& cpu, const Op& op) {
    return x87_available(cpu) && store_operand<uint16_t>(cpu, op, cpu.fpu.control());
}
bool fnstsw_mem(Cpu& cpu, const Op& op) {
    return x87_available(cpu) && store_operand<uint16_t>(cpu, op, cpu.fpu.status());
}
bool fnstsw_ax(Cpu& cpu, const Op&) {
    if (!x87_available(cpu)) return false;
    set_gpr<uint16_t>(cpu, i386::kRax, cpu.fpu.status());
    return true;
}

// The environment of FSTENV and FSAVE: seven words or doublewords; where selectors
// mean nothing, linear addresses take their place.
template <typename T>
constexpr unsigned kEnvironmentBytes = 7 * sizeof(T);

template <typename T>
void make_environment(const Cpu& cpu, uint8_t* data) {
    const FpuState& fpu = cpu.fpu;
    std::array<T, 7> words;
    // Doublewords have ones in the halves that nothing uses.
    T high = sizeof(T) == 4 ? static_cast<T>(0xffff0000u) : T{0};
    words[0] = static_cast<T>(high | fpu.control());
    words[1] = static_cast<T>(high | fpu.status());
    words[2] = static_cast<T>(high | fpu.full_tags());
    auto ip = static_cast<uint32_t>(fpu.instruction_pointer());
    auto dp = static_cast<uint32_t>(fpu.data_pointer());
    if (cpu.paragraph_mode()) {
        ip += uint32_t{fpu.instruction_selector} << 4;
        dp += uint32_t{fpu.data_selector} << 4;
        uint32_t ip_high = sizeof(T) == 4 ? (ip >> 16) << 12 : ((ip >> 16) & 0xf) << 12;
        uint32_t dp_high = sizeof(T) == 4 ? (dp >> 16) << 12 : ((dp >> 16) & 0xf) << 12;
        words[3] = static_cast<T>(sizeof(T) == 4 ? high | (ip & 0xffff) : ip);
        words[4] = static_cast<T>(ip_high | fpu.opcode());
        words[5] = static_cast<T>(sizeof(T) == 4 ? high | (dp & 0xffff) : dp);
        words[6] = static_cast<T>(dp_high);
    } else {
        words[3] = static_cast<T>(ip);
        words[4] = static_cast<T>(fpu.instruction_selector);
        if constexpr (sizeof(T) == 4) words[4] |= uint32_t{fpu.opcode()} << 16;
        words[5] = static_cast<T>(dp);
        words[6] = static_cast<T>(high | fpu.data_selector);
    }
    std::memcpy(data, words.data(), sizeof(words));
}

template <typename T>
void take_environment(Cpu& cpu, const uint8_t* data) {
    FpuState& fpu = cpu.fpu;
    std::array<T, 7> words;
    std::memcpy(words.data(), data, sizeof(words));
    fpu.set_control(static_cast<uint16_t>(words[0]));
    fpu.rotate_to_top((words[1] >> 11) & 7);
    fpu.set_status(static_cast<uint16_t>(words[1]));
    fpu.set_full_tags(static_cast<uint16_t>(words[2]));
    if (cpu.paragraph_mode()) {
        fpu.set_opcode(static_cast<uint16_t>(words[4] & 0x7ff));
        fpu.set_instruction_pointer((words[3] & 0xffff) | (uint64_t{words[4]} >> 12 << 16));
        fpu.set_data_pointer((words[5] & 0xffff) | (uint64_t{words[6]} >> 12 << 16));
        fpu.instruction_selector = 0;
        fpu.data_selector = 0;
    } else {
        fpu.set_instruction_pointer(words[3]);
        fpu.instruction_selector = static_cast<uint16_t>(words[4]);
        if constexpr (sizeof(T) == 4) {
            fpu.set_opcode(static_cast<uint16_t>((words[4] >> 16) & 0x7ff));
        }
        fpu.set_data_pointer(words[5]);
        fpu.data_selector = static_cast<uint16_t>(words[6]);
    }
    fpu.update_summary();
    note_x87_error_gone(cpu);
}

template <typename T>
bool fnstenv(Cpu& cpu, const Op& op) {
    std::array<uint8_t, kEnvironmentBytes<T>> data;
    if (!x87_available(cpu)) return false;
    make_environment<T>(cpu, data.data());
    if (!store_bytes(cpu, op, data.data(), data.size())) return false;
    // The environment is saved for a handler: exceptions are masked from here on.
    cpu.fpu.set_control(cpu.fpu.control() | x87_status::kExceptions);
    cpu.fpu.update_summary();
    note_x87_error_gone(cpu);
    return true;
}
template <typename T>
bool fldenv(Cpu& cpu, const Op& op) {
    std::array<uint8_t, kEnvironmentBytes<T>> data;
    if (!x87_ready(cpu) || !load_bytes(cpu, op, data.data(), data.size())) return false;
    take_environment<T>(cpu, data.data());
    return true;
}
template <typename T>
bool fnsave(Cpu& cpu, const Op& op) {
    std::array<uint8_t, kEnvironmentBytes<T> + 80> data;
    if (!x87_available(cpu)) return false;
    make_environment<T>(cpu, data.data());
    for (unsigned i = 0; i < 8; ++i) {
        std::memcpy(data.data() + kEnvironmentBytes<T> + i * 10,
                    cpu.fpu.image.data() + FpuState::kRegisters + i * 16, 10);
    }
    if (!store_bytes(cpu, op, data.data(), data.size())) return false;
    cpu.fpu.initialize();
    note_x87_error_gone(cpu);
    return true;
}
template <typename T>
bool frstor(Cpu& cpu, const Op& op) {
    std::array<uint8_t, kEnvironmentBytes<T> + 80> data;
    if (!x87_ready(cpu) || !load_bytes(cpu, op, data.data(), data.size())) return false;
    take_environment<T>(cpu, data.data());
    for (unsigned i = 0; i < 8; ++i) {
        std::memcpy(cpu.fpu.image.data() + FpuState::kRegisters + i * 16,
                    data.data() + kEnvironmentBytes<T> + i * 10, 10);
    }
    return true;
}

template <bool (*kNarrow)(Cpu&, const Op&), bool (*kWide)(Cpu&, const Op&)>
Handler by_operand_size(const Insn& insn) {
    bool wide = (insn.mode & (kModeCode32 | kModeCode64)) != 0;
    return insn.operand_prefix != wide ? go_on_after_store<kWide> : go_on_after_store<kNarrow>;
}

// The bytes of a computing instruction's memory operand; negative if it is written.
int memory_bytes(unsigned opcode, unsigned reg) {
    switch (opcode) {
        case 0xd8:
        case 0xda: return 4;
        case 0xdc: return 8;
        case 0xde: return 2;
        case 0xd9: return reg == 0 ? 4 : -4;  // FLD, FST, FSTP
        case 0xdb: return reg == 0 ? 4 : reg == 5 ? 10 : reg == 7 ? -10 : -4;
        case 0xdd: return reg == 0 ? 8 : -8;
        default:  // DF: FILD m16, FIST(P) m16, FBLD, FILD m64, FBSTP, FISTP m64
            return reg == 0   ? 2
                   : reg == 4 ? 10
                   : reg == 5 ? 8
                   : reg == 6 ? -10
                   : reg == 7 ? -8
                              : -2;
    }
}

Handler control_handler(const Insn& insn) {
    bool memory = !insn.modrm_is_register;
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_FWAIT: return go_on<fwait>;
        case ZYDIS_MNEMONIC_FNINIT: return go_on<fninit>;
        case ZYDIS_MNEMONIC_FNCLEX: return go_on<fnclex>;
        case ZYDIS_MNEMONIC_FNOP: return go_on<fnop>;
        case ZYDIS_MNEMONIC_FENI8087_NOP:
        case ZYDIS_MNEMONIC_FDISI8087_NOP:
        case ZYDIS_MNEMONIC_FSETPM287_NOP: return go_on<no_operation>;
        case ZYDIS_MNEMONIC_FLDCW: return go_on<fldcw>;
        case ZYDIS_MNEMONIC_FNSTCW: return go_on_after_store<fnstcw>;
        case ZYDIS_MNEMONIC_FNSTSW:
            return memory ? go_on_after_store<fnstsw_mem> : go_on<fnstsw_ax>;
        case ZYDIS_MNEMONIC_FNSTENV:
            return by_operand_size<fnstenv<uint16_t>, fnstenv<uint32_t>>(insn);
        case ZYDIS_MNEMONIC_FLDENV:
            return by_operand_size<fldenv<uint16_t>, fldenv<uint32_t>>(insn);
        case ZYDIS_MNEMONIC_FNSAVE:
            return by_operand_size<fnsave<uint16_t>, fnsave<uint32_t>>(insn);
        case ZYDIS_MNEMONIC_FRSTOR:
            return by_operand_size<frstor<uint16_t>, frstor<uint32_t>>(insn);
        default: return nullptr;
    }
}

}  // namespace

bool settle_x87_error(Cpu& cpu) {
    if ((cpu.cr0 & cr0::kNe) != 0) return raise(cpu, i386::kX87Error);
    if (cpu.env.float_error == nullptr) return true;
    MachineLockGuard guard(cpu.env.lock);
    if (cpu.env.float_error->set_error(true)) return true;
    cpu.exception = {.active = true, .waits = true};
    return false;
}

void note_x87_error_gone(Cpu& cpu) {
    const bool gone = (cpu.fpu.status() & x87_status::kSummary) == 0;
    if (!gone || (cpu.cr0 & cr0::kNe) != 0 || cpu.env.float_error == nullptr) return;
    MachineLockGuard guard(cpu.env.lock);
    cpu.env.float_error->set_error(false);
}

Selected select_x87(const Insn& insn, Op& op) {
    if (Handler handler = control_handler(insn)) {
        op.handler = handler;
        return Selected::kYes;
    }
    bool computes = insn.opcode_map == 0 && insn.opcode >= 0xd8 && insn.opcode <= 0xdf;
    if (!computes) return Selected::kNo;
    unsigned modrm = (insn.modrm_is_register ? 0xc0u : 0u) | (insn.modrm_reg << 3u) |
                     (insn.modrm_is_register ? insn.modrm_rm : 0u);
    op.extra = static_cast<uint16_t>(insn.opcode | (modrm << 8));
    op.imm = insn.modrm_is_register ? 0 : memory_bytes(insn.opcode, insn.modrm_reg);
    op.handler = go_on_after_store<compute>;
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
