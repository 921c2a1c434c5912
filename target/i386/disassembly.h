// SPDX-License-Identifier: GPL-2.0-or-later
//
// Instructions as text, in the AT&T form. Source of the form: Zydis.
//
// Threading: plain functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "target/i386/cpu_state.h"

namespace qc::i386 {

inline constexpr size_t kMaxInstruction = 15;

struct DisassembledInstruction {
    std::string text;
    size_t length;  // 0: the bytes do not hold all of it
};

// The first one in `bytes`, as the processor would take it in its present mode; "(bad)", of
// one byte, if it is none.
DisassembledInstruction disassemble(const CpuState& cpu, uint64_t address,
                                    std::span<const std::byte> bytes);

}  // namespace qc::i386
