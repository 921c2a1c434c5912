// SPDX-License-Identifier: GPL-2.0-or-later
//
// What every device shares. A device is a *core* (registers and guest-visible
// behaviour; no lock, clock, bus or I/O) inside a *shell* derived from Device,
// which connects it to buses, lines, timers and back ends. See
// docs/devel/devices.rst.
//
// Threading: machine lock for everything. Owned by the board or the machine.
#pragma once

#include <string_view>
#include <vector>

#include "state/state_component.h"

namespace qc::qom {
class PropertyValues;
}

namespace qc::hw {

class PciDevice;

class Device {
 public:
    virtual ~Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    // QEMU's name for the type: "i8259", "piix3-ide".
    virtual std::string_view type_name() const = 0;
    // Puts the device into its state after power-on. Never called for loading.
    virtual void reset() = 0;
    // The same when the machine wakes up from a sleep in which nothing but memory and
    // what may wake it had power (ACPI S3).
    virtual void reset_after_sleep() { reset(); }
    // The components that migrate; empty only for a device without guest-visible
    // state.
    virtual std::vector<state::StateComponent*> state_components() = 0;

    // Null if it is no function on a PCI bus.
    virtual const PciDevice* as_pci() const { return nullptr; }
    // Where the values that it was made with left something open ("auto", the next free
    // slot): puts there what was chosen.
    virtual void settle_properties(qom::PropertyValues&) const {}

 protected:
    Device() = default;
};

}  // namespace qc::hw
