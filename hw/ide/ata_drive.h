// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of an ATA disk: its commands, on top of what all drives have. Source:
// ATA/ATAPI-5, chapters 7-9 (T13/1321D); 48-bit addresses as in ATA/ATAPI-6,
// section 6.10.
//
// Threading: caller locks. Owned by IdeChannelCore or AhciPort.
#pragma once

#include <string>

#include "hw/ide/ide_drive.h"

namespace qc::hw {

struct AtaDriveConfig {
    uint64_t sectors = 0;
    // The default translation; see default_geometry().
    uint16_t cylinders = 0;
    uint8_t heads = 0;              // 1-16
    uint8_t sectors_per_track = 0;  // 1-255
    std::string serial;             // at most 20 characters
    std::string model;              // at most 40
    std::string version;            // at most 8
    bool serial_ata = false;        // on AHCI: 32 queued commands, no cable to speak of
};

// Cylinders, heads and sectors of a disk for which nobody gave them.
void default_geometry(AtaDriveConfig& config);

class AtaDrive final : public IdeDrive {
 public:
    explicit AtaDrive(AtaDriveConfig config);

    void power_on_reset() override;
    void soft_reset() override;
    void command(uint8_t opcode) override;

    void finish_read(bool good, std::span<const std::byte> data) override;
    void finish(bool good) override;
    std::optional<AtaDmaTransfer> dma() const override;
    void dma_moved(uint32_t sectors) override;
    void dma_failed() override;
    Result<void> validate(const AtaDriveState& state) const override;

 private:
    void block_read() override;
    void block_written() override { ask(AtaOperation::kWrite); }
    AtaDiskRequest request() const override;

    struct Command;
    static const Command* find_command(uint8_t opcode);
    enum class Addressing : uint8_t { kShort, kExtended };

    // Finds the sectors that the task file names; ends the command if they do not exist.
    bool take_address(Addressing addressing);
    std::optional<uint64_t> address(Addressing addressing) const;
    void show_address(uint64_t lba);

    void run_read(const Command& command);
    void run_write(const Command& command);
    void run_dma(const Command& command);
    void run_verify(const Command& command);
    void run_identify(const Command& command);
    void run_flush(const Command& command);
    void run_set_features(const Command& command);
    void run_set_multiple(const Command& command);
    void run_initialize_parameters(const Command& command);
    void run_check_power(const Command& command);
    void run_nothing(const Command& command);

    uint32_t block_now() const;
    void offer_next_write();
    void writes_done();

    AtaDriveConfig config_;
};

}  // namespace qc::hw
