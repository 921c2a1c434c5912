// SPDX-License-Identifier: GPL-2.0-or-later
//
// x87, MMX and SSE registers in the form in which instructions use them. Source:
// Intel SDM vol. 1, chapters 8 and 10.
//
// Threading: belongs to one vCPU.
#pragma once

#include <array>
#include <cstdint>

namespace qc::accel::tcg {

// An 80-bit extended real, as x87 stores it: 64 bits of significand, then sign
// and exponent.
struct Float80 {
    uint64_t significand = 0;
    uint16_t sign_exponent = 0;
    bool operator==(const Float80&) const = default;
};

struct alignas(16) Xmm {
    uint64_t low = 0;
    uint64_t high = 0;
};

inline constexpr uint32_t kMxcsrMask = 0xffff;

struct FpuState {
    // By physical number; ST(i) is registers[(top + i) % 8].
    std::array<Float80, 8> registers{};
    uint16_t control = 0x40;
    uint16_t status = 0;  // with TOP in bits 11-13
    uint8_t valid = 0;    // one bit a physical register: not empty
    uint16_t opcode = 0;  // of the last non-control instruction
    uint64_t instruction_pointer = 0;
    uint64_t data_pointer = 0;
    uint16_t instruction_selector = 0;
    uint16_t data_selector = 0;
    uint32_t mxcsr = 0x1f80;
    std::array<Xmm, 16> xmm{};

    unsigned top() const { return (status >> 11) & 7; }
    void set_top(unsigned top) {
        status = static_cast<uint16_t>((status & ~0x3800) | ((top & 7) << 11));
    }
    unsigned physical(unsigned i) const { return (top() + i) & 7; }
};

// The two-bits-a-register tag word that FSAVE and FSTENV show.
uint16_t full_tag_word(const FpuState& fpu);
// Sets `valid` from such a word.
void set_full_tag_word(FpuState& fpu, uint16_t tags);

// The 512-byte image of FXSAVE, its 64-bit form or the 32-bit one (pointers with
// selectors, eight XMM registers).
enum class FxsaveForm : uint8_t { k32, k64 };
void store_fxsave(const FpuState& fpu, FxsaveForm form, uint8_t* image);
void load_fxsave(FpuState& fpu, FxsaveForm form, const uint8_t* image);

}  // namespace qc::accel::tcg
