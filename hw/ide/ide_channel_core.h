// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of one IDE channel: up to two drives behind a command block and a
// control block. Source: ATA/ATAPI-5, sections 7 and 9.16 (single device
// configurations: device 0 does not answer for a missing device 1, it reads as 0).
//
// Threading: caller locks. Owned by Piix3Ide.
#pragma once

#include <array>
#include <optional>

#include "hw/ide/ata_drive.h"

namespace qc::hw {

struct IdeChannelState {
    uint8_t control = 0;
    uint8_t selected = 0;
    std::array<AtaDriveState, 2> drives;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("control", s.control);
        v("selected", s.selected);
        v("drives", s.drives);
    }
};

class IdeChannelCore {
 public:
    // While the machine is built.
    void add_drive(unsigned unit, AtaDriveConfig config);
    AtaDrive* drive(unsigned unit) { return drives_[unit] ? &*drives_[unit] : nullptr; }
    // The one that the device register points at; null if there is none.
    AtaDrive* selected() { return drive(selected_); }

    void reset();

    // The command block, registers 0-7; data (0) in 16-bit units by the functions below.
    uint8_t read(unsigned reg);
    // True if drives were reset: what was going on for them is void.
    bool write(unsigned reg, uint8_t value);
    uint16_t read_data();
    void write_data(uint16_t value);
    uint8_t alternate_status();
    // Device control: SRST, nIEN, HOB. True as for write().
    bool write_control(uint8_t value);

    // INTRQ.
    bool interrupt();

    IdeChannelState save() const;
    Result<void> validate(const IdeChannelState& state) const;
    void restore(const IdeChannelState& state);

 private:
    bool in_reset() const;
    bool diagnose();

    std::array<std::optional<AtaDrive>, 2> drives_;
    uint8_t control_ = 0;
    uint8_t selected_ = 0;
};

}  // namespace qc::hw
