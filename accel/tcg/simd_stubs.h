// SPDX-License-Identifier: GPL-2.0-or-later
//
// Instructions whose immediate is part of their encoding, ready to be called: 256
// stubs each, one for every value. XMM0 is the destination, XMM1 the source; MM0 and
// MM1 for those of MMX.
//
// Threading: pure.
#pragma once

#include <cstdint>

#include "accel/tcg/simd.h"

namespace qc::accel::tcg {

// The first of the 256 stubs, or null. `on_mmx` chooses between the forms of PALIGNR.
const uint8_t* immediate_stubs(uint16_t mnemonic, bool on_mmx);

inline constexpr unsigned kStubBytes = 8;

void call_xmm_stub(const uint8_t* stub, Xmm& destination, const Xmm& source);
void call_mmx_stub(const uint8_t* stub, uint64_t& destination, uint64_t source);

// PCMPESTRI and its like: lengths in EAX and EDX, an index in ECX, a mask in XMM0, and
// the flags as bits of EFLAGS.
struct StringCompare {
    uint64_t rax = 0;
    uint64_t rdx = 0;
    uint64_t rcx = 0;
    Xmm mask;
    uint32_t flags = 0;
};
void call_string_stub(const uint8_t* stub, const Xmm& first, const Xmm& second,
                      StringCompare& compare);

}  // namespace qc::accel::tcg
