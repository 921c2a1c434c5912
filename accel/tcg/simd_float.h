// SPDX-License-Identifier: GPL-2.0-or-later
//
// Floating point on the host's vector unit under the guest's MXCSR: rounding, FTZ and
// DAZ as the guest has set them. While the guest masks all exceptions, the host's
// register simply is the guest's, from the first such instruction on until something
// else than guest code is to run (FpuState::release_host). Where the guest unmasks one,
// it is masked for the host still: what the host raises is then delivered as #XM, and
// nothing is written. Beside an unmasked overflow or underflow, PE tells whether the
// masked response would be inexact. Source: Intel SDM vol. 1, 11.5.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"
#include "accel/tcg/simd.h"

namespace qc::accel::tcg {

// How many elements of a result can be too small, for the one case that masked
// execution does not tell: an exact tiny result, whose underflow the guest unmasks.
enum class Tiny : uint8_t { kNone, kOneSingle, kOneDouble, kTwoSingles, kSingles, kDoubles };

inline void set_host_mxcsr(uint32_t value) {
    asm volatile("ldmxcsr %0" : : "m"(value));
}
inline uint32_t host_mxcsr() {
    uint32_t value;
    asm volatile("stmxcsr %0" : "=m"(value));
    return value;
}

// Where the guest unmasks exceptions: notes those in `raised`; false if one of them is
// to be delivered.
bool settle_unmasked(Cpu& cpu, uint32_t raised, const Xmm& result, Tiny tiny);

// As under_guest_mxcsr(), for a guest that unmasks exceptions.
template <typename Body>
[[gnu::noinline]] bool under_unmasked_mxcsr(Cpu& cpu, const Xmm& result, Tiny tiny, Body body) {
    uint32_t control = (cpu.fpu.mxcsr & ~mxcsr::kExceptions) | mxcsr::kMasks;
    // Flushing is for masked underflow only.
    constexpr uint32_t kUnderflowMask = mxcsr::kUnderflow << mxcsr::kMaskShift;
    if ((cpu.fpu.mxcsr & kUnderflowMask) == 0) control &= ~mxcsr::kFlushToZero;
    set_host_mxcsr(control);
    body();
    uint32_t raised = host_mxcsr() & mxcsr::kExceptions;
    set_host_mxcsr(kMxcsrInitial);
    return settle_unmasked(cpu, raised, result, tiny);
}

// Runs `body`, which executes one instruction (as volatile assembly) and puts what it
// computes into `result`, without writing any register of the guest. True if it counts.
// Changing MXCSR is dear: it stays the guest's until something else is to run.
template <typename Body>
[[gnu::always_inline]] inline bool under_guest_mxcsr(Cpu& cpu, const Xmm& result, Tiny tiny,
                                                     Body body) {
    if (!cpu.fpu.on_host) [[unlikely]] {
        if ((cpu.fpu.mxcsr & mxcsr::kMasks) != mxcsr::kMasks) {
            return under_unmasked_mxcsr(cpu, result, tiny, body);
        }
        set_host_mxcsr(cpu.fpu.mxcsr);
        cpu.fpu.on_host = true;
    }
    body();
    return true;
}

}  // namespace qc::accel::tcg
