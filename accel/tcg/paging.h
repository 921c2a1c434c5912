// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page-table walks: 32-bit with 4 MiB pages, PAE, and four levels. Source: Intel
// SDM vol. 3, chapter 4. Accessed and dirty bits are set atomically, as another
// processor may look at the same entries.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"
#include "accel/tcg/mmu.h"

namespace qc::accel::tcg {

// What paging does to a linear address. Raises a page fault if it must.
bool translate(Cpu& cpu, uint64_t linear, Access access, Privilege privilege, uint64_t& physical);

// Loads the four PDPTEs that PAE paging keeps in the processor. #GP if one has a
// reserved bit set; then nothing has changed.
bool load_pdptes(Cpu& cpu, uint64_t cr3);

// After a state was loaded: what the processor would have kept, from memory. Reserved
// bits are ignored, as they were checked when the guest loaded them.
void reload_pdptes(Cpu& cpu);

// A bit mask of the physical address bits that the model does not have.
uint64_t reserved_address_bits(const Cpu& cpu);

}  // namespace qc::accel::tcg
