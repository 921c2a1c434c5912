// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ide_channel_core.h"

#include "util/assert.h"

namespace qc::hw {

namespace {
constexpr uint8_t kControlNoInterrupt = 0x02;
constexpr uint8_t kControlReset = 0x04;
constexpr uint8_t kControlHighOrder = 0x80;
constexpr uint8_t kControlBits = kControlNoInterrupt | kControlReset | kControlHighOrder;
constexpr uint8_t kDeviceSelect = 0x10;
constexpr uint8_t kExecuteDiagnostic = 0x90;
constexpr uint8_t kDeviceReset = 0x08;
constexpr IdeChannelCore::Units kBoth = 3;
}  // namespace

void IdeChannelCore::add_drive(unsigned unit, AtaDriveConfig config) {
    QC_ASSERT(unit < drives_.size() && !drives_[unit]);
    drives_[unit] = std::make_unique<AtaDrive>(std::move(config));
}

AtapiDrive& IdeChannelCore::add_cdrom(unsigned unit, AtapiDriveConfig config) {
    QC_ASSERT(unit < drives_.size() && !drives_[unit]);
    auto drive = std::make_unique<AtapiDrive>(std::move(config));
    cdroms_[unit] = drive.get();
    drives_[unit] = std::move(drive);
    return *cdroms_[unit];
}

void IdeChannelCore::reset() {
    control_ = 0;
    selected_ = 0;
    for (auto& drive : drives_)
        if (drive) drive->power_on_reset();
}

bool IdeChannelCore::in_reset() const {
    return (control_ & kControlReset) != 0;
}

uint8_t IdeChannelCore::read(unsigned reg) {
    IdeDrive* drive = selected();
    if (drive == nullptr) return 0;
    if (reg != ata::kCommand) return drive->read(reg, (control_ & kControlHighOrder) != 0);
    uint8_t status = alternate_status();
    drive->clear_interrupt();
    return status;
}

uint8_t IdeChannelCore::alternate_status() {
    IdeDrive* drive = selected();
    if (drive == nullptr) return 0;
    return in_reset() ? ata::kStatusBusy : drive->status();
}

IdeChannelCore::Units IdeChannelCore::write(unsigned reg, uint8_t value) {
    if (in_reset()) return 0;
    control_ = static_cast<uint8_t>(control_ & ~kControlHighOrder);
    if (reg == ata::kCommand) {
        if (value == kExecuteDiagnostic) return diagnose();
        if (IdeDrive* drive = selected()) drive->command(value);
        // The one command that a drive takes while it is busy.
        const bool reset = value == kDeviceReset && cdroms_[selected_] != nullptr;
        return static_cast<Units>(reset ? 1u << selected_ : 0);
    }
    if (reg == ata::kDevice) selected_ = (value & kDeviceSelect) != 0 ? 1 : 0;
    // Both drives see what is written; only commands are for one.
    for (auto& drive : drives_)
        if (drive) drive->write(reg, value);
    return 0;
}

// Both drives test themselves; drive 0 reports.
IdeChannelCore::Units IdeChannelCore::diagnose() {
    IdeDrive* drive = selected();
    if (drive != nullptr && (drive->status() & ata::kStatusBusy) != 0) return 0;
    for (auto& each : drives_)
        if (each) each->soft_reset();
    selected_ = 0;
    if (drives_[0]) drives_[0]->raise_interrupt();
    return kBoth;
}

uint16_t IdeChannelCore::read_data() {
    IdeDrive* drive = selected();
    return drive == nullptr || in_reset() ? 0 : drive->read_data();
}

void IdeChannelCore::write_data(uint16_t value) {
    IdeDrive* drive = selected();
    if (drive != nullptr && !in_reset()) drive->write_data(value);
}

IdeChannelCore::Units IdeChannelCore::write_control(uint8_t value) {
    const bool rises = (value & kControlReset) != 0 && !in_reset();
    control_ = value & kControlBits;
    if (!rises) return 0;
    for (auto& drive : drives_)
        if (drive) drive->soft_reset();
    selected_ = 0;
    return kBoth;
}

bool IdeChannelCore::interrupt() {
    IdeDrive* drive = selected();
    return drive != nullptr && drive->interrupt() && (control_ & kControlNoInterrupt) == 0;
}

IdeChannelState IdeChannelCore::save() const {
    IdeChannelState state{.control = control_, .selected = selected_, .drives = {}, .packet = {}};
    for (unsigned unit = 0; unit < drives_.size(); ++unit) {
        if (drives_[unit]) state.drives[unit] = drives_[unit]->save();
        if (cdroms_[unit] != nullptr) state.packet[unit] = cdroms_[unit]->save_packet();
    }
    return state;
}

Result<void> IdeChannelCore::validate(const IdeChannelState& state) const {
    if (state.selected > 1) return fail("drive {} of 2 is selected", state.selected);
    if ((state.control & ~kControlBits) != 0) return fail("device control has reserved bits");
    for (unsigned unit = 0; unit < drives_.size(); ++unit) {
        const AtaDriveState& drive = state.drives[unit];
        const AtapiState& packet = state.packet[unit];
        if (cdroms_[unit] != nullptr) {
            TRY(cdroms_[unit]->validate_packet(drive, packet).context("drive {}", unit));
        } else if (packet.present) {
            return fail("drive {} is a CD-ROM drive there, but not here", unit);
        } else if (drives_[unit]) {
            TRY(drives_[unit]->validate(drive).context("drive {}", unit));
        } else if (drive.capacity != 0) {
            return fail("there is a drive {} there and none here", unit);
        }
    }
    return {};
}

void IdeChannelCore::restore(const IdeChannelState& state) {
    control_ = state.control;
    selected_ = state.selected;
    for (unsigned unit = 0; unit < drives_.size(); ++unit) {
        if (drives_[unit]) drives_[unit]->restore(state.drives[unit]);
        if (cdroms_[unit] != nullptr) cdroms_[unit]->restore_packet(state.packet[unit]);
    }
}

}  // namespace qc::hw
