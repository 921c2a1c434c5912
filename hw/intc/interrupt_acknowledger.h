// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace qc::hw {

// What answers an interrupt acknowledge cycle on the bus: on a PC the 8259 pair,
// for a processor whose local APIC lets external interrupts through.
//
// Threading: machine lock.
class InterruptAcknowledger {
 public:
    virtual ~InterruptAcknowledger() = default;
    virtual uint8_t acknowledge() = 0;
};

}  // namespace qc::hw
