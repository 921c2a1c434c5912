// SPDX-License-Identifier: GPL-2.0-or-later
//
// One decoded instruction, and the block of them that is entered at its first
// and left at its last (or at one that faults).
//
// Threading: belongs to one vCPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qc::accel::tcg {

struct Cpu;
struct Op;

// Executes the instruction and, unless it ends the block, goes on to the next.
using Handler = void (*)(Cpu& cpu, const Op* op);

// Registers behind the sixteen, for addresses: one that is always zero (an absent base
// or index), the running block's RIP (of RIP-relative operands), and the constant 8192
// (for the displacement that does not fit once it counts from the block's start).
inline constexpr uint8_t kZeroRegister = 16;
inline constexpr uint8_t kBlockRipRegister = 17;
inline constexpr uint8_t kTwoPagesRegister = 18;
inline constexpr unsigned kOpRegisters = 19;
inline constexpr int64_t kTwoPages = 8192;

enum AddressSize : uint8_t { kAddress16, kAddress32, kAddress64 };
inline constexpr uint64_t kAddressMasks[] = {0xffff, 0xffffffff, ~uint64_t{0}};

enum RepeatPrefix : uint8_t { kNoRepeat, kRepeat, kRepeatNotEqual };

struct Op {
    Handler handler;
    // Immediate; the distance of a relative branch; a far pointer's offset.
    int64_t imm;
    int32_t disp;
    // Register operands, as byte offsets into Cpu::gpr (so that AH is one too), or
    // the numbers of segment, control and debug registers.
    uint8_t dst;
    uint8_t src;
    // Memory operand: gpr[base] + (gpr[index] << scale) + disp in seg.
    uint8_t base;
    uint8_t index;
    uint8_t scale;
    uint8_t seg;
    uint8_t length;        // of the instruction, in bytes
    uint8_t address_size;  // AddressSize
    uint16_t offset;       // of the instruction, from the block's first byte
    // By handler: a far pointer's selector, the second immediate, a repeat prefix.
    uint16_t extra;
};
static_assert(sizeof(Op) == 32);

struct Block {
    std::vector<Op> ops;
    // Successors on the same page: [0] the next instruction, [1] the branch target.
    Block* chain[2] = {nullptr, nullptr};
    Block* next_in_bucket = nullptr;
    // The page of host memory that its last instruction reaches into, if it does. It is
    // the next one only where paging says so: no chain leads to such a block.
    const std::byte* next_page = nullptr;
    uint32_t mode = 0;
    uint16_t page_offset = 0;
    uint16_t bytes = 0;
};

}  // namespace qc::accel::tcg
