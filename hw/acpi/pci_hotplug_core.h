// SPDX-License-Identifier: GPL-2.0-or-later
//
// The registers by which an operating system's ACPI methods (hw/i386/acpi_hotplug.asl) learn
// of devices that were plugged into a PCI bus, and let devices go. Their layout is QEMU's,
// at port AE00h; bit n stands for slot n:
//
//   00h  up      slots with a device that has come; reading clears
//   04h  down    slots whose device is wanted back
//   08h  eject   writing 1: the guest has let the device go
//   0Ch  can     slots whose devices may come and go; read-only
//   10h  select  the bus: 0 is the only one
//
//   plugged: up --(guest reads)--> seen
//   wanted back: down --(eject, or a reset)--> ejected --> the board takes the device away
//
// An ejected device is hidden from the guest at once; the board may take its time.
//
// Threading: caller locks. Owned by Piix4Pm.
#pragma once

#include <cstdint>

#include "util/result.h"

namespace qc::hw {

struct PciHotplugState {
    uint32_t up = 0;
    uint32_t down = 0;
    uint32_t ejected = 0;
    uint32_t selected = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("up", s.up);
        v("down", s.down);
        v("ejected", s.ejected);
        v("selected", s.selected);
    }
};

class PciHotplugCore {
 public:
    static constexpr unsigned kSize = 0x18;
    // All but the slots of the host bridge and the bridge to ISA.
    static constexpr uint32_t kSlots = 0xfffffffc;

    // Without notice to the guest, who looks for devices anew, what it was asked for is gone.
    void reset();
    uint8_t read(unsigned offset);
    // True: something was ejected.
    bool write(unsigned offset, uint8_t value);

    void plugged(unsigned slot) { state_.up |= bit(slot); }
    void ask_back(unsigned slot) { state_.down |= bit(slot); }
    // The slots whose devices the guest has let go.
    uint32_t ejected() const { return state_.ejected; }
    // The board has taken the device of this slot away.
    void taken_away(unsigned slot) { forget(bit(slot)); }

    const PciHotplugState& state() const { return state_; }
    Result<void> validate(const PciHotplugState& state) const;
    void restore(const PciHotplugState& state) { state_ = state; }

 private:
    static constexpr uint32_t bit(unsigned slot) { return uint32_t{1} << slot; }
    void forget(uint32_t slots);

    PciHotplugState state_;
};

}  // namespace qc::hw
