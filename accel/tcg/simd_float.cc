// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/simd_float.h"

namespace qc::accel::tcg {

namespace {

template <typename Bits, unsigned kFractionBits>
bool any_tiny(const Xmm& result, unsigned count) {
    constexpr Bits kFraction = (Bits{1} << kFractionBits) - 1;
    constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1);
    for (unsigned i = 0; i < count; ++i) {
        Bits magnitude = element<Bits>(result, i) & ~kSign;
        if (magnitude != 0 && magnitude <= kFraction) return true;
    }
    return false;
}

bool has_tiny(const Xmm& result, Tiny tiny) {
    switch (tiny) {
        case Tiny::kNone: return false;
        case Tiny::kOneSingle: return any_tiny<uint32_t, 23>(result, 1);
        case Tiny::kTwoSingles: return any_tiny<uint32_t, 23>(result, 2);
        case Tiny::kSingles: return any_tiny<uint32_t, 23>(result, 4);
        case Tiny::kOneDouble: return any_tiny<uint64_t, 52>(result, 1);
        case Tiny::kDoubles: return any_tiny<uint64_t, 52>(result, 2);
    }
    return false;
}

}  // namespace

bool settle_unmasked(Cpu& cpu, uint32_t raised, const Xmm& result, Tiny tiny) {
    constexpr uint32_t kBeforeComputing = mxcsr::kInvalid | mxcsr::kDenormal | mxcsr::kZeroDivide;
    uint32_t unmasked_set = ~(cpu.fpu.mxcsr >> mxcsr::kMaskShift) & mxcsr::kExceptions;
    if ((unmasked_set & mxcsr::kUnderflow) != 0 && has_tiny(result, tiny)) {
        raised |= mxcsr::kUnderflow;
    }
    // What is wrong with the operands keeps results from being computed.
    if ((raised & unmasked_set & kBeforeComputing) != 0) raised &= kBeforeComputing;
    cpu.fpu.mxcsr |= raised;
    if ((raised & unmasked_set) == 0) return true;
    bool reported = (cpu.cr4 & i386::cr4::kOsxmmexcpt) != 0;
    return raise(cpu, reported ? i386::kSimdError : i386::kInvalidOpcode);
}

}  // namespace qc::accel::tcg
