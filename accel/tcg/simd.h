// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the families of MMX and SSE instructions (ops_sse_*.cc, ops_mmx.cc) share. An
// instruction executes on the host's vector unit, straight on the registers in
// FpuState, by the very mnemonic: a family is a list of mnemonics, from which a table
// of handlers follows, one for each shape of operands.
//
// Instructions of SSSE3 and later are assembled whatever the host can do; cpu_support()
// shows them to guests only where it can.
//
// Threading: the vCPU's thread.
#pragma once

#include <Zydis/Mnemonic.h>

#include <cstdint>
#include <span>

#include "accel/tcg/access.h"
#include "accel/tcg/fpu_access.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/threaded.h"

namespace qc::accel::tcg {

// An XMM register, or an operand for one.
struct alignas(16) [[gnu::may_alias]] Xmm {
    uint64_t low = 0;
    uint64_t high = 0;
};
struct [[gnu::may_alias]] MmxWord {
    uint64_t value = 0;
};

// By their byte offset, as in Op::dst and Op::src.
inline Xmm& xmm(Cpu& cpu, uint8_t offset) {
    return *reinterpret_cast<Xmm*>(cpu.fpu.image.data() + FpuState::kXmm + offset);
}
inline MmxWord& mmx(Cpu& cpu, uint8_t offset) {
    return *reinterpret_cast<MmxWord*>(cpu.fpu.image.data() + FpuState::kRegisters + offset);
}
// Seen as x87 register, a written MMX register is a NaN or infinity.
inline void set_mmx(Cpu& cpu, uint8_t offset, uint64_t value) {
    cpu.fpu.put<uint64_t>(FpuState::kRegisters + offset, value);
    cpu.fpu.put<uint16_t>(FpuState::kRegisters + offset + 8, 0xffff);
}

template <typename T>
T element(const Xmm& x, unsigned index) {
    T value;
    std::memcpy(&value, reinterpret_cast<const char*>(&x) + index * sizeof(T), sizeof(T));
    return value;
}
template <typename T>
void set_element(Xmm& x, unsigned index, T value) {
    std::memcpy(reinterpret_cast<char*>(&x) + index * sizeof(T), &value, sizeof(T));
}

// The memory operand: all 16 bytes, aligned; or the low part, zero-extended.
template <unsigned kBytes>
[[gnu::always_inline]] inline bool load_source(Cpu& cpu, const Op& op, Xmm& value) {
    if constexpr (kBytes == 16) {
        return operand_aligned(cpu, op) && load_operand<Xmm>(cpu, op, value);
    } else {
        using T = std::conditional_t<
            kBytes == 2, uint16_t,
            std::conditional_t<kBytes == 4, uint32_t,
                               std::conditional_t<kBytes == 1, uint8_t, uint64_t>>>;
        T part;
        if (!load_operand<T>(cpu, op, part)) return false;
        value = {.low = part, .high = 0};
        return true;
    }
}

// A mnemonic's handlers: with a register as its source, and with memory.
struct SimdEntry {
    ZydisMnemonic mnemonic;
    Handler from_register;
    Handler from_memory;
};
inline const SimdEntry* find_entry(std::span<const SimdEntry> table, uint16_t mnemonic) {
    for (const SimdEntry& entry : table) {
        if (entry.mnemonic == mnemonic) return &entry;
    }
    return nullptr;
}
// For XMM registers as destination.
inline Selected select_entry(std::span<const SimdEntry> table, const Insn& insn, Op& op) {
    const SimdEntry* entry = find_entry(table, insn.mnemonic);
    if (entry == nullptr || insn.kind(0) != Operand::Kind::kXmm) return Selected::kNo;
    op.handler = insn.kind(1) == Operand::Kind::kMemory ? entry->from_memory : entry->from_register;
    return Selected::kYes;
}

Selected select_fpu_save(const Insn& insn, Op& op);
Selected select_sse_move(const Insn& insn, Op& op);
Selected select_sse_integer(const Insn& insn, Op& op);
Selected select_sse_float(const Insn& insn, Op& op);
Selected select_sse_convert(const Insn& insn, Op& op);
Selected select_sse_immediate(const Insn& insn, Op& op);
Selected select_sse_element(const Insn& insn, Op& op);
Selected select_sse_compare(const Insn& insn, Op& op);
Selected select_mmx(const Insn& insn, Op& op);

}  // namespace qc::accel::tcg
