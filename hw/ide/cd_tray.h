// SPDX-License-Identifier: GPL-2.0-or-later
//
// What connects a CD drive's core with its medium in the block layer: the medium's
// size, and the tray, which guest and host both move.
//
// Threading: machine lock. Owned by the shell of the drive's cable; drive and block
// device outlive it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "block/block_device.h"
#include "hw/ide/atapi_drive.h"

namespace qc::hw {

class CdTray final : public block::Tray {
 public:
    CdTray(AtapiDrive& drive, block::BlockDevice& disk) : drive_(drive), disk_(disk) {
        drive_.mmc().insert(blocks());
        disk_.attach_tray(this);
    }
    ~CdTray() override { disk_.attach_tray(nullptr); }
    CdTray(const CdTray&) = delete;
    CdTray& operator=(const CdTray&) = delete;

    bool tray_open() const override { return drive_.mmc().tray_open(); }
    bool tray_locked() const override { return drive_.mmc().locked(); }
    void request_eject() override { drive_.mmc().request_eject(); }
    void move_tray(bool open) override { drive_.mmc().move_tray(open); }
    void medium_changed() override { drive_.mmc().change_medium(blocks()); }

    // After every entry into the drive.
    void notice() {
        if (drive_.mmc().take_tray_moved()) disk_.tray_moved(drive_.mmc().tray_open());
    }

 private:
    // A block that an image has a part of only cannot be read.
    uint32_t blocks() const {
        constexpr uint64_t kMost = 0xffffffff;
        return static_cast<uint32_t>(std::min(disk_.length() / mmc::kBlockSize, kMost));
    }

    AtapiDrive& drive_;
    block::BlockDevice& disk_;
};

}  // namespace qc::hw
