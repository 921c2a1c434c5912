// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of one IDE channel: up to two drives behind a command block and a
// control block. Source: ATA/ATAPI-5, sections 7 and 9.16 (single device
// configurations: device 0 does not answer for a missing device 1, it reads as 0).
//
// Threading: caller locks. Owned by Piix3Ide.
#pragma once

#include <array>
#include <memory>

#include "hw/ide/ata_drive.h"
#include "hw/ide/atapi_drive.h"

namespace qc::hw {

struct IdeChannelState {
    uint8_t control = 0;
    uint8_t selected = 0;
    std::array<AtaDriveState, 2> drives;
    std::array<AtapiState, 2> packet;  // of CD drives

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("control", s.control);
        v("selected", s.selected);
        v("drives", s.drives);
        v.since(2, "packet", s.packet);
    }
};

class IdeChannelCore {
 public:
    // The units of which what was going on is void, a bit for each.
    using Units = uint8_t;

    // While the machine is built.
    void add_drive(unsigned unit, AtaDriveConfig config);
    AtapiDrive& add_cdrom(unsigned unit, AtapiDriveConfig config);
    IdeDrive* drive(unsigned unit) { return drives_[unit].get(); }
    // The one that the device register points at; null if there is none.
    IdeDrive* selected() { return drive(selected_); }

    void reset();

    // The command block, registers 0-7; data (0) in 16-bit units by the functions below.
    uint8_t read(unsigned reg);
    Units write(unsigned reg, uint8_t value);
    uint16_t read_data();
    void write_data(uint16_t value);
    uint8_t alternate_status();
    // Device control: SRST, nIEN, HOB.
    Units write_control(uint8_t value);

    // INTRQ.
    bool interrupt();

    IdeChannelState save() const;
    Result<void> validate(const IdeChannelState& state) const;
    void restore(const IdeChannelState& state);

 private:
    bool in_reset() const;
    Units diagnose();

    std::array<std::unique_ptr<IdeDrive>, 2> drives_;
    std::array<AtapiDrive*, 2> cdroms_{};  // those of the drives that are
    uint8_t control_ = 0;
    uint8_t selected_ = 0;
};

}  // namespace qc::hw
