// SPDX-License-Identifier: GPL-2.0-or-later
//
// For the unit test and the fuzzer of page walks: a walk written down as the manuals
// have it, slow and without state, and a comparison of the emulator's walks with it on
// tables made of any bytes.
//
// Source: Intel SDM vol. 3, chapter 4.
//
// Threading: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace qc::accel::tcg {

// Reads the mode, the control registers, the tables and the accesses from `input`
// (which is read again from its start as often as needed). Empty: both agree; else what
// differs.
std::string compare_page_walks(std::span<const uint8_t> input);

}  // namespace qc::accel::tcg
