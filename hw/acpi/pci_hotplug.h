// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a board has to do with the chip through which a guest learns of devices that come
// and go on its PCI bus.
//
// Threading: machine lock. Implemented by Piix4Pm.
#pragma once

#include <cstdint>
#include <functional>

namespace qc::hw {

class PciHotplug {
 public:
    virtual ~PciHotplug() = default;
    virtual bool can(unsigned slot) const = 0;
    // A device is in this slot now: the guest is told.
    virtual void plugged(unsigned slot) = 0;
    // The guest is asked to let the device in this slot go.
    virtual void ask_back(unsigned slot) = 0;
    // A bit for each slot whose device the guest has let go, until it was taken away.
    virtual uint32_t ejected() const = 0;
    virtual void taken_away(unsigned slot) = 0;
    // Told whenever ejected() may have changed: by the guest, a reset or a load.
    virtual void on_eject(std::function<void()> changed) = 0;
};

}  // namespace qc::hw
