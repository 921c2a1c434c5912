// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "hw/core/pic_setup.h"
#include "state/state_component.h"

namespace qc::hw {

// The 8259 pair, IOAPIC, local APICs and 8254 as emulated by the host's kernel.
// Local APIC state belongs to the vCPU's component.
//
// Threading: set_gsi_level() and send_msi() are thread-safe; the rest under the machine lock with
// the VM stopped.
class KernelIrqchip {
 public:
    virtual ~KernelIrqchip() = default;
    // GSI 0-15 reach the 8259 pair and the IOAPIC (0 as its pin 2), 16-23 the IOAPIC.
    virtual void set_gsi_level(unsigned gsi, bool level) = 0;
    // A message-signalled interrupt, as a function writes it to FEExxxxxh.
    virtual void send_msi(uint64_t address, uint16_t data) = 0;
    virtual void reset() = 0;
    // After reset(): what firmware would do to the 8259 pair.
    virtual void set_up_pics(const PicSetup& setup) = 0;
    virtual std::vector<state::StateComponent*> state_components() = 0;
    // The speaker port 61h is ours; its gate and output bits are the PIT's.
    virtual void set_pit_channel2_gate(bool gate) = 0;
    virtual bool pit_channel2_output() = 0;
    // The HPET has taken interrupt 0 over from the PIT, or given it back. It is part of
    // the PIT's state.
    virtual void set_pit_replaced(bool replaced) = 0;
};

}  // namespace qc::hw
