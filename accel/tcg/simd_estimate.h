// SPDX-License-Identifier: GPL-2.0-or-later
//
// RCPPS, RCPSS, RSQRTPS and RSQRTSS, whose results processors may choose within a relative
// error of 1.5 * 2^-12. Those of different makers differ, so that a guest that moves from
// one host to another, or runs on two at once, would tell them apart: here they are
// computed, with integers only, and better than they must be. Source: Intel SDM vol. 2,
// RCPPS and RSQRTPS (tables of special cases); neither MXCSR nor its flags have a part.
//
// Threading: pure.
#pragma once

#include <cstdint>

namespace qc::accel::tcg {

// Bits of a single-precision number to those of its reciprocal, to the nearest; too small
// a number counts as zero, and too small a result is one.
uint32_t reciprocal(uint32_t bits);
// 1 / sqrt(x), to 19 bits.
uint32_t reciprocal_root(uint32_t bits);

}  // namespace qc::accel::tcg
