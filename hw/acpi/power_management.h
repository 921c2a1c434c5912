// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the rest of the machine has to do with the chip that manages its power: events
// come in, and it is asked whether the guest sleeps (ACPI S3). What the guest asks for
// goes to the MachinePort.
//
// Threading: machine lock. Implemented by Piix4Pm and Ich9Lpc.
#pragma once

namespace qc::hw {

class PowerManagement {
 public:
    virtual ~PowerManagement() = default;
    virtual void press_power_button() = 0;
    virtual void note_rtc_alarm() = 0;
    // From the guest's request to sleep until the reset that wakes the machine.
    virtual bool asleep() const = 0;
    // The guest sleeps, and something has happened that ends it. Who makes it true also
    // calls MachinePort::request_wake_up().
    virtual bool wakes() const = 0;
};

}  // namespace qc::hw
