// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of an ATA disk: task file, commands, data in and out through the data
// register or by DMA. Source: ATA/ATAPI-5, chapters 7-9 (T13/1321D); 48-bit
// addresses as in ATA/ATAPI-6, section 6.10.
//
// It does no I/O. After each call the shell asks what it wants:
//
//             command                       finish_*()
//   kIdle ------------> kDisk: take_request() -------> kDataIn, kDataOut, kIdle
//     |  ^                ^                              | data register
//     |  +----------------|------------------------------+
//     |                   +----- more sectors -----------+
//     +--> kDma: the shell moves sectors: dma(), dma_moved() ...
//
// Threading: caller locks. Owned by IdeChannelCore.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
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

enum class AtaPhase : uint8_t { kIdle, kDataIn, kDataOut, kDma, kDisk };
enum class AtaOperation : uint8_t { kNone, kRead, kWrite, kFlush, kIdentify };

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
    uint64_t capacity = 0;  // sectors, to tell another disk's state; 0: no drive
    AtaTaskFile recent;
    AtaTaskFile previous;
    uint8_t device = 0;
    uint8_t error = 0;
    bool failed = false;
    bool interrupt = false;
    AtaPhase phase = AtaPhase::kIdle;
    AtaOperation operation = AtaOperation::kNone;
    uint64_t lba = 0;             // the next sector of the command
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

    static constexpr uint32_t kMaxBuffer = ata::kMaxMultiple * ata::kSectorSize;

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
};

class AtaDrive {
 public:
    explicit AtaDrive(AtaDriveConfig config);

    void power_on_reset();
    // SRST, or EXECUTE DEVICE DIAGNOSTIC: settings of SET FEATURES stay.
    void soft_reset();

    // Registers 1-6 of the command block; with `high_order` the byte written before.
    uint8_t read(unsigned reg, bool high_order) const;
    void write(unsigned reg, uint8_t value);
    void command(uint8_t opcode);
    uint8_t status() const;
    uint16_t read_data();
    void write_data(uint16_t value);

    AtaPhase phase() const { return state_.phase; }
    // The rest of the present DRQ block in one go, for who has no data register:
    // what kDataIn offers, and that it was taken; how much kDataOut wants, and it.
    std::span<const uint8_t> read_block() const;
    void read_block_taken();
    uint32_t write_block_size() const;
    void fill_write_block(std::span<const std::byte> data);
    // The host gives up on the command that is being carried out.
    void abandon();

    bool interrupt() const { return state_.interrupt; }
    void clear_interrupt() { state_.interrupt = false; }
    bool write_cache() const { return state_.write_cache; }
    void raise_interrupt() { state_.interrupt = true; }

    // What the disk has to do, handed out once. For kWrite the data is
    // write_block(). Answered by finish_read() or finish().
    std::optional<AtaDiskRequest> take_request();
    std::span<const uint8_t> write_block() const { return state_.buffer; }
    void finish_read(bool good, std::span<const std::byte> data);
    void finish(bool good);

    // The transfer that waits for the bus master, if there is one.
    std::optional<AtaDmaTransfer> dma() const;
    // `sectors` of it, from its beginning, are done.
    void dma_moved(uint32_t sectors);
    void dma_failed();
    // The descriptors ended before the data: the command ends, and nobody is told.
    void dma_dropped();

    AtaDriveState save() const { return state_; }
    Result<void> validate(const AtaDriveState& state) const;
    void restore(const AtaDriveState& state);

 private:
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
    bool set_transfer_mode(uint8_t mode);

    uint32_t block_now() const;
    void block_read();
    void ask(AtaOperation operation);
    void offer_write_block();
    void writes_done();
    void succeed();
    void abort(uint8_t error);

    AtaDriveConfig config_;
    AtaDriveState state_;
    bool asked_ = false;  // kDisk, and take_request() has not been called yet
};

}  // namespace qc::hw
