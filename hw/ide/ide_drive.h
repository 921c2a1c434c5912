// SPDX-License-Identifier: GPL-2.0-or-later
//
// What every drive on an ATA cable has, disk or packet device: the command block's
// registers, blocks of data behind the data register, the interrupt. Source:
// ATA/ATAPI-5, chapters 7-9 (T13/1321D); 48-bit addresses as in ATA/ATAPI-6,
// section 6.10. What a command does is the derived classes': ata_drive.h,
// atapi_drive.h.
//
// A drive does no I/O. After each call the shell asks what it wants:
//
//             command                       finish_*()
//   kIdle ------------> kDisk: take_request() -------> kDataIn, kDataOut, kIdle
//     |  ^                ^                              | data register
//     |  +----------------|------------------------------+
//     |                   +----- more sectors -----------+
//     +--> kDma: the shell moves sectors: dma(), dma_moved() ...
//
// Threading: caller locks. Owned by IdeChannelCore or AhciPort.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "util/result.h"

namespace qc::hw {

namespace ata {
// Offsets in the command block, as written; 1 and 7 read as error and status.
inline constexpr unsigned kData = 0;
inline constexpr unsigned kFeatures = 1;
inline constexpr unsigned kSectorCount = 2;
inline constexpr unsigned kLbaLow = 3;
inline constexpr unsigned kLbaMid = 4;
inline constexpr unsigned kLbaHigh = 5;
inline constexpr unsigned kDevice = 6;
inline constexpr unsigned kCommand = 7;

inline constexpr uint8_t kStatusBusy = 0x80;
inline constexpr uint8_t kStatusReady = 0x40;
inline constexpr uint8_t kStatusSeekDone = 0x10;
inline constexpr uint8_t kStatusDataRequest = 0x08;
inline constexpr uint8_t kStatusError = 0x01;

inline constexpr uint8_t kErrorAborted = 0x04;
inline constexpr uint8_t kErrorIdNotFound = 0x10;
inline constexpr uint8_t kErrorUncorrectable = 0x40;

inline constexpr uint32_t kSectorSize = 512;
inline constexpr uint32_t kMaxMultiple = 16;
}  // namespace ata

enum class AtaPhase : uint8_t { kIdle, kDataIn, kDataOut, kDma, kDisk };
// The last two: a packet is awaited; what it asked for, if that is not the medium's data.
enum class AtaOperation : uint8_t { kNone, kRead, kWrite, kFlush, kIdentify, kPacket, kReply };

// One byte of the command block registers' FIFOs.
struct AtaTaskFile {
    uint8_t features = 0;
    uint8_t sector_count = 0;
    uint8_t lba_low = 0;
    uint8_t lba_mid = 0;
    uint8_t lba_high = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("features", s.features);
        v("sector_count", s.sector_count);
        v("lba_low", s.lba_low);
        v("lba_mid", s.lba_mid);
        v("lba_high", s.lba_high);
    }
};

struct AtaDriveState {
    // Sectors, to tell another disk's state; 0: no disk.
    uint64_t capacity = 0;
    AtaTaskFile recent;
    AtaTaskFile previous;
    uint8_t device = 0;
    uint8_t error = 0;
    bool failed = false;
    bool interrupt = false;
    AtaPhase phase = AtaPhase::kIdle;
    AtaOperation operation = AtaOperation::kNone;
    uint64_t lba = 0;             // the next sector of the command; of a packet's, block
    uint32_t sectors_left = 0;    // from there on
    uint16_t block_sectors = 1;   // per DRQ block
    std::vector<uint8_t> buffer;  // the present DRQ block
    uint32_t position = 0;        // in it
    uint8_t multiple = 0;         // SET MULTIPLE MODE; 0: off
    uint8_t heads = 0;            // the translation in use
    uint8_t sectors_per_track = 0;
    bool write_cache = true;
    uint8_t multiword_dma = 0;  // the mode selected, as a bit; 0: none
    uint8_t ultra_dma = 0;

    static constexpr uint32_t kMaxBuffer = 65536;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("capacity", s.capacity);
        v("recent", s.recent);
        v("previous", s.previous);
        v("device", s.device);
        v("error", s.error);
        v("failed", s.failed);
        v("interrupt", s.interrupt);
        v("phase", s.phase);
        v("operation", s.operation);
        v("lba", s.lba);
        v("sectors_left", s.sectors_left);
        v("block_sectors", s.block_sectors);
        v.counted("buffer", s.buffer, kMaxBuffer);
        v("position", s.position);
        v("multiple", s.multiple);
        v("heads", s.heads);
        v("sectors_per_track", s.sectors_per_track);
        v("write_cache", s.write_cache);
        v("multiword_dma", s.multiword_dma);
        v("ultra_dma", s.ultra_dma);
    }
};

struct AtaDiskRequest {
    AtaOperation operation = AtaOperation::kNone;  // kRead, kWrite or kFlush
    uint64_t lba = 0;
    uint32_t sectors = 0;
};

struct AtaDmaTransfer {
    bool to_memory = false;
    uint64_t lba = 0;
    uint32_t sectors = 0;
    // Not empty: these bytes of the drive's own go to memory, and no sectors.
    std::span<const uint8_t> held = {};
};

class IdeDrive {
 public:
    IdeDrive(const IdeDrive&) = delete;
    IdeDrive& operator=(const IdeDrive&) = delete;
    virtual ~IdeDrive() = default;

    virtual void power_on_reset() = 0;
    // SRST, or EXECUTE DEVICE DIAGNOSTIC: settings of SET FEATURES stay.
    virtual void soft_reset() = 0;
    virtual void command(uint8_t opcode) = 0;
    // What the registers hold after a reset, as AHCI's PxSIG has it.
    uint32_t signature() const { return uint32_t{signature_} << 16 | 0x0101; }

    // Registers 1-6 of the command block; with `high_order` the byte written before.
    uint8_t read(unsigned reg, bool high_order) const;
    void write(unsigned reg, uint8_t value);
    virtual uint8_t status() const;
    uint16_t read_data();
    void write_data(uint16_t value);

    AtaPhase phase() const { return state_.phase; }
    // The rest of the present DRQ block in one go, for who has no data register:
    // what kDataIn offers, and that it was taken; how much kDataOut wants, and it.
    std::span<const uint8_t> read_block() const;
    void read_block_taken();
    uint32_t write_block_size() const;
    void fill_write_block(std::span<const std::byte> data);
    // kDataOut is for a packet, not for a command's data.
    bool wants_packet() const { return state_.operation == AtaOperation::kPacket; }
    // The host gives up on the command that is being carried out.
    void abandon();

    bool write_cache() const { return state_.write_cache; }
    bool interrupt() const { return state_.interrupt; }
    void clear_interrupt() { state_.interrupt = false; }
    void raise_interrupt() { state_.interrupt = true; }

    // What the disk has to do, handed out once. For kWrite the data is
    // write_block(). Answered by finish_read() or finish().
    std::optional<AtaDiskRequest> take_request();
    std::span<const uint8_t> write_block() const { return state_.buffer; }
    virtual void finish_read(bool good, std::span<const std::byte> data) = 0;
    virtual void finish(bool good) = 0;

    // The transfer that waits for the bus master, if there is one.
    virtual std::optional<AtaDmaTransfer> dma() const = 0;
    // `sectors` of it, from its beginning, are done; what the drive held is.
    virtual void dma_moved(uint32_t sectors) = 0;
    virtual void dma_failed() = 0;
    // The descriptors ended before the data: the command ends, and nobody is told.
    void dma_dropped();

    AtaDriveState save() const { return state_; }
    virtual Result<void> validate(const AtaDriveState& state) const = 0;
    void restore(const AtaDriveState& state);

 protected:
    // `signature`: of the kind of drive, in the upper two address registers.
    explicit IdeDrive(uint16_t signature) : signature_(signature) {}

    // The guest has read, or written, the whole DRQ block.
    virtual void block_read() = 0;
    virtual void block_written() = 0;
    virtual AtaDiskRequest request() const = 0;
    // The command is over, in whatever way.
    virtual void command_over() {}

    void reset_registers();
    void ask(AtaOperation operation);
    void succeed();
    void abort(uint8_t error);
    void offer_write_block(uint32_t bytes);
    void load_buffer(std::span<const std::byte> data);
    // IDENTIFY's answer.
    void offer_words(std::span<const uint16_t, 256> words);
    // SET FEATURES, transfer mode; false if there is no such mode.
    bool set_transfer_mode(uint8_t mode);
    static Result<void> validate_transfer_mode(const AtaDriveState& state);
    static Result<void> validate_position(const AtaDriveState& state, size_t block_bytes);

    AtaDriveState state_;

 private:
    const uint16_t signature_;
    bool asked_ = false;  // kDisk, and take_request() has not been called yet
};

}  // namespace qc::hw
