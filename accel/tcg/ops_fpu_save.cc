// SPDX-License-Identifier: GPL-2.0-or-later
//
// FXSAVE FXRSTOR, with REX.W too; LDMXCSR STMXCSR; EMMS.
#include <Zydis/Mnemonic.h>

#include <array>

#include "accel/tcg/access.h"
#include "accel/tcg/fpu_access.h"
#include "accel/tcg/simd.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

namespace {

// What FXSAVE moves: without XMM registers unless CR4.OSFXSR says that the system
// knows of them, with sixteen in 64-bit mode and eight elsewhere.
unsigned fxsave_bytes(const Cpu& cpu) {
    constexpr unsigned kXmmBytes = 16;
    if ((cpu.cr4 & i386::cr4::kOsfxsr) == 0) return FpuState::kXmm;
    return FpuState::kXmm + kXmmBytes * ((cpu.mode & kModeCode64) != 0 ? 16 : 8);
}

using FxsaveData = std::array<uint8_t, FpuState::kXmm + 256>;

template <FpuState::Pointers kPointers>
bool fxsave(Cpu& cpu, const Op& op) {
    FxsaveData data;
    unsigned bytes = fxsave_bytes(cpu);
    if (!x87_available(cpu) || !operand_aligned(cpu, op)) return false;
    cpu.fpu.release_host();
    cpu.fpu.save_area(data.data(), bytes, kPointers);
    return store_bytes(cpu, op, data.data(), bytes);
}
template <FpuState::Pointers kPointers>
bool fxrstor(Cpu& cpu, const Op& op) {
    FxsaveData data;
    unsigned bytes = fxsave_bytes(cpu);
    if (!x87_available(cpu) || !operand_aligned(cpu, op) ||
        !load_bytes(cpu, op, data.data(), bytes)) {
        return false;
    }
    uint32_t mxcsr = 0;
    std::memcpy(&mxcsr, data.data() + FpuState::kMxcsr, 4);
    if ((mxcsr & ~kMxcsrMask) != 0) return raise(cpu, i386::kGeneralProtection, 0);
    cpu.fpu.release_host();
    cpu.fpu.load_area(data.data(), bytes, kPointers);
    note_x87_error_gone(cpu);
    return true;
}

bool ldmxcsr(Cpu& cpu, const Op& op) {
    uint32_t value = 0;
    if (!sse_ready(cpu) || !load_operand<uint32_t>(cpu, op, value)) return false;
    if ((value & ~kMxcsrMask) != 0) return raise(cpu, i386::kGeneralProtection, 0);
    cpu.fpu.release_host();
    cpu.fpu.mxcsr = value;
    return true;
}
bool stmxcsr(Cpu& cpu, const Op& op) {
    if (!sse_ready(cpu)) return false;
    cpu.fpu.release_host();
    return store_operand<uint32_t>(cpu, op, cpu.fpu.mxcsr);
}

bool emms(Cpu& cpu, const Op&) {
    if (!mmx_ready(cpu)) return false;
    cpu.fpu.enter_mmx();
    cpu.fpu.set_valid(0);
    return true;
}

}  // namespace

Selected select_fpu_save(const Insn& insn, Op& op) {
    using enum FpuState::Pointers;
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_FXSAVE: op.handler = go_on_after_store<fxsave<kSelectors>>; break;
        case ZYDIS_MNEMONIC_FXSAVE64: op.handler = go_on_after_store<fxsave<kWide>>; break;
        case ZYDIS_MNEMONIC_FXRSTOR: op.handler = go_on<fxrstor<kSelectors>>; break;
        case ZYDIS_MNEMONIC_FXRSTOR64: op.handler = go_on<fxrstor<kWide>>; break;
        case ZYDIS_MNEMONIC_LDMXCSR: op.handler = go_on<ldmxcsr>; break;
        case ZYDIS_MNEMONIC_STMXCSR: op.handler = go_on_after_store<stmxcsr>; break;
        case ZYDIS_MNEMONIC_EMMS: op.handler = go_on<emms>; break;
        default: return Selected::kNo;
    }
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
