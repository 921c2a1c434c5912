// SPDX-License-Identifier: GPL-2.0-or-later
//
// The part of `pc`'s ACPI methods for PCI hot-plug that is the same for every slot. What they
// stand on is in hw/i386/dsdt_pc.asl. In ASL, for slots 2 to 31:
//
//   Scope (\_SB.PCI0) {
//     Device (S04) { Name (_SUN, 4) Name (_ADR, 0x00040000)
//                    Method (_EJ0, 1) { PCEJ (4) } }
//     Method (DVNT, 2) { If (Arg0 & 0x10) { Notify (S04, Arg1) } ... } }
//
// Source: ACPI specification 6.5, chapters 6.3 and 20.
//
// Threading: pure function.
#pragma once

#include "util/bytes.h"

namespace qc::hw {

void put_hotplug_slots(ByteWriter& out);

}  // namespace qc::hw
