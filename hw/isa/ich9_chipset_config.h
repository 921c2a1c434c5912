// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of the ICH9's chipset configuration registers, which RCBA shows in
// memory: to which PIRQ# wire the INTx# pins of the chip's own devices lead, and
// General Control and Status. Source: Intel I/O Controller Hub 9 datasheet
// (316972), chapter 10. Registers that are not here read as zero.
//
// Threading: caller locks. Owned by Ich9Lpc.
#pragma once

#include <array>
#include <cstdint>

#include "util/result.h"

namespace qc::hw {

struct Ich9ChipsetConfigState {
    // D25IR to D31IR; device 30's is fixed.
    std::array<uint16_t, 7> routes{};
    uint32_t control = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("routes", s.routes);
        v("control", s.control);
    }
};

class Ich9ChipsetConfig {
 public:
    static constexpr uint32_t kSize = 0x4000;

    Ich9ChipsetConfig() { reset(); }
    void reset();

    // `size` is 1, 2 or 4, offset + size at most kSize.
    uint32_t read(uint32_t offset, unsigned size) const;
    void write(uint32_t offset, unsigned size, uint32_t value);

    // The PIRQ# wire, 0 (A) to 7 (H), of a device's pin (1 to 4).
    unsigned pirq_of(unsigned device, unsigned pin) const;
    // GCS: a watchdog that expires twice does not reset the machine.
    bool no_reboot() const;

    const Ich9ChipsetConfigState& state() const { return state_; }
    Result<void> validate(const Ich9ChipsetConfigState& state) const;
    void restore(const Ich9ChipsetConfigState& state) { state_ = state; }

 private:
    Ich9ChipsetConfigState state_;
};

}  // namespace qc::hw
