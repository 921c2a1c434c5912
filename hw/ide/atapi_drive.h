// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of an ATAPI CD or DVD drive: how packets and their data go over an ATA
// cable. What a packet means is MmcCore's. Source: ATA/ATAPI-5, sections 8.21
// (PACKET), 9.8 and 9.9 (T13/1321D).
//
//               PACKET                        12 bytes
//   kIdle ---------------> kDataOut (kPacket) ---------> execute
//     ^                                                    |
//     +--- nothing to transfer, or an error ---------------+
//     +--- kDataIn, DRQ blocks of at most "byte count" ----+   programmed I/O
//     +--- kDma: blocks of the medium, or held bytes ------+   DMA
//
// Programmed reads, and frames that are more than a block's data, come by way of
// kDisk in pieces of at most kMostBlocks.
//
// Threading: caller locks. Owned by IdeChannelCore or AhciPort.
#pragma once

#include <string>

#include "hw/ide/ide_drive.h"
#include "hw/ide/mmc_core.h"

namespace qc::hw {

struct AtapiDriveConfig {
    std::string serial;   // at most 20 characters
    std::string model;    // at most 40; in INQUIRY, at most 16
    std::string version;  // at most 8; in INQUIRY, at most 4
    bool serial_ata = false;
};

// Beside AtaDriveState, whose lba and sectors_left count blocks of 2048 bytes here.
struct AtapiState {
    bool present = false;  // to tell a disk's state from a CD drive's
    bool fresh = false;    // reset, and no command since: the drive is not "ready"
    bool dma = false;
    MmcFrames frames = MmcFrames::kData;
    uint16_t byte_limit = 0;       // of a DRQ block
    std::vector<uint8_t> pending;  // what follows the present DRQ block
    MmcState mmc;

    static constexpr uint32_t kMaxPending = 65536;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("present", s.present);
        v("fresh", s.fresh);
        v("dma", s.dma);
        v("frames", s.frames);
        v("byte_limit", s.byte_limit);
        v.counted("pending", s.pending, kMaxPending);
        v("mmc", s.mmc);
    }
};

class AtapiDrive final : public IdeDrive {
 public:
    // Blocks that are read at once other than straight into memory.
    static constexpr uint32_t kMostBlocks = 16;
    static constexpr uint32_t kSectorsPerBlock = mmc::kBlockSize / ata::kSectorSize;

    explicit AtapiDrive(AtapiDriveConfig config);

    MmcCore& mmc() { return mmc_; }
    const MmcCore& mmc() const { return mmc_; }

    void power_on_reset() override;
    void soft_reset() override;
    void command(uint8_t opcode) override;
    uint8_t status() const override;

    void finish_read(bool good, std::span<const std::byte> data) override;
    void finish(bool good) override;
    std::optional<AtaDmaTransfer> dma() const override;
    void dma_moved(uint32_t sectors) override;
    void dma_failed() override;
    Result<void> validate(const AtaDriveState& state) const override;

    // The state has two parts; they are saved, checked and loaded together.
    AtapiState save_packet() const;
    Result<void> validate_packet(const AtaDriveState& drive, const AtapiState& packet) const;
    void restore_packet(const AtapiState& state);

 private:
    void block_read() override;
    void block_written() override;
    AtaDiskRequest request() const override;
    void command_over() override;

    void start_packet();
    void set_features();
    void start_read(const MmcReply& reply);
    void continue_read();
    void start_reply(std::vector<uint8_t> data);
    void next_block();
    uint32_t blocks_at_once() const;
    uint32_t frame_size() const;
    void packet_done();
    void packet_failed();
    void refuse();

    const AtapiDriveConfig config_;
    MmcCore mmc_;
    AtapiState packet_;  // without the part that mmc_ has
};

}  // namespace qc::hw
