// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page tables of any bits, in 32-bit, PAE and long-mode paging, under any control bits:
// the emulator's walks end as those of a slow and obvious walker.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "accel/tcg/paging_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (!qc::accel::tcg::compare_page_walks(std::span(data, size)).empty()) std::abort();
    return 0;
}
