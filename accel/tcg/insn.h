// SPDX-License-Identifier: GPL-2.0-or-later
//
// An instruction between the decoder and the families that choose its handler. A
// family is one ops_*.cc file: the handlers and the function that selects among
// them. See docs/devel/tcg.rst, "adding an instruction".
//
// Threading: plain values.
#pragma once

#include <array>
#include <cstdint>

#include "accel/tcg/op.h"

namespace qc::accel::tcg {

struct Operand {
    enum class Kind : uint8_t {
        kNone,
        kGpr,
        kSegment,
        kControl,
        kDebug,
        kXmm,
        kMmx,
        kMemory,
        kImmediate,
        kFarPointer,
        kOther
    };
    Kind kind = Kind::kNone;
    // kGpr: byte offset into Cpu::gpr; kXmm, kMmx: byte offset into the FPU image's array
    // of such registers; else the register's number.
    uint8_t reg = 0;
    uint8_t bytes = 0;
};

// What the decoder has put into the Op already: the memory operand; `dst` from
// operand 0 and `src` from operand 1 where they are registers (a register beside
// memory goes to `src`); the immediate, sign-extended; address size, length. A
// displacement from RIP counts from the next instruction; see Engine::append().
struct Insn {
    uint16_t mnemonic = 0;  // ZydisMnemonic
    std::array<Operand, 4> operands{};
    unsigned operand_count = 0;
    unsigned operand_bytes = 4;  // 2, 4 or 8
    unsigned opcode = 0;
    unsigned opcode_map = 0;  // 0: one byte, 1: 0F
    uint8_t modrm_reg = 0;
    uint8_t modrm_rm = 0;
    bool modrm_is_register = false;
    bool has_modrm = false;
    bool lock = false;
    bool operand_prefix = false;    // 66
    bool absolute_address = false;  // MOV with a 64-bit address in Op::imm
    bool rex_w = false;
    RepeatPrefix repeat = kNoRepeat;
    int segment_override = -1;
    uint32_t mode = 0;  // ModeBit

    Operand::Kind kind(unsigned i) const { return operands[i].kind; }
    bool memory_operand() const {
        return kind(0) == Operand::Kind::kMemory || kind(1) == Operand::Kind::kMemory;
    }
};

enum class Selected : uint8_t {
    kNo,  // not this family's
    kYes,
    kEndsBlock,  // what follows may run in another mode, or elsewhere
};

Selected select_alu(const Insn& insn, Op& op);
Selected select_move(const Insn& insn, Op& op);
Selected select_shift(const Insn& insn, Op& op);
Selected select_multiply(const Insn& insn, Op& op);
Selected select_bits(const Insn& insn, Op& op);
Selected select_flags(const Insn& insn, Op& op);
Selected select_stack(const Insn& insn, Op& op);
Selected select_control(const Insn& insn, Op& op);
Selected select_string(const Insn& insn, Op& op);
Selected select_io(const Insn& insn, Op& op);
Selected select_segment(const Insn& insn, Op& op);
Selected select_system(const Insn& insn, Op& op);
Selected select_x87(const Insn& insn, Op& op);
Selected select_simd(const Insn& insn, Op& op);

// Handlers that the decoder itself needs.
Handler invalid_opcode_handler();
Handler general_protection_handler();
// Ends a block whose next instruction begins another.
Handler fall_through_handler();

}  // namespace qc::accel::tcg
