// SPDX-License-Identifier: GPL-2.0-or-later
//
// A FlatBoot's plan carried out by the host: what pc-bios/flatboot.S does in a machine
// with firmware.
//
// Threading: pure function on plain values.
#pragma once

#include "hw/i386/direct/boot_pieces.h"
#include "hw/i386/flat_boot.h"

namespace qc::hw {

// The map has at most FlatBoot::kMostMapEntries entries.
LoadedKernel start_flat(const FlatBoot::Items& items, const BootFacts& facts);

}  // namespace qc::hw
