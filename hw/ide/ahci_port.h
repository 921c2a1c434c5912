// SPDX-License-Identifier: GPL-2.0-or-later
//
// The shell of one AHCI port: fetches commands from guest memory, has its drive
// carry them out, moves data between disk and memory, posts frames. Source: Serial
// ATA AHCI 1.3.1, chapters 5 and 6; native command queuing as in ATA8-ACS.
//
// Everything that a guest's descriptors say is looked at once, after it was copied,
// and bounded: by the table's number of entries, by the drive's number of sectors.
//
// A transfer for which the region table has no room ends the command with an
// error and PxIS.OFS.
//
// Threading: machine lock. Owned by Ahci.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "block/block_device.h"
#include "hw/core/device_context.h"
#include "hw/ide/ahci_port_core.h"
#include "hw/ide/ahci_region_table.h"
#include "hw/ide/ata_drive.h"
#include "hw/ide/cd_tray.h"

namespace qc::hw {

class Ahci;

// What the drive's log 10h says of the last error in its queue.
struct AhciQueueError {
    static constexpr uint8_t kNone = 0x80;  // NQ: not a queued command

    uint8_t tag = kNone;
    uint8_t status = 0;
    uint8_t error = 0;
    uint64_t lba = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("tag", s.tag);
        v("status", s.status);
        v("error", s.error);
        v("lba", s.lba);
    }
};

struct AhciPortState {
    AhciPortRegisters registers;
    AtaDriveState drive;
    bool in_soft_reset = false;
    AhciQueueError queue_error;
    AtapiState packet;  // of a CD drive

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("registers", s.registers);
        v("drive", s.drive);
        v("in_soft_reset", s.in_soft_reset);
        v("queue_error", s.queue_error);
        v.since(2, "packet", s.packet);
    }
};

class AhciPort {
 public:
    AhciPort(Ahci& owner, const DeviceContext& context, unsigned index)
        : owner_(owner), context_(context), index_(index) {}
    AhciPort(const AhciPort&) = delete;
    AhciPort& operator=(const AhciPort&) = delete;

    // While the machine is built.
    void add_disk(AtaDriveConfig config, block::BlockDevice& disk);
    void add_cdrom(AtapiDriveConfig config, block::BlockDevice& disk);
    void reset();

    uint32_t read(unsigned offset) const { return core_.read(offset); }
    void write(unsigned offset, uint32_t value);
    bool interrupt() const { return core_.interrupt(); }

    AhciPortState save() const;
    Result<void> validate(const AhciPortState& state) const;
    void restore(const AhciPortState& state);

 private:
    using Buffer = std::vector<std::byte>;
    // Requests in flight hold a weak reference to it; a new one makes them void.
    struct Ticket {};
    // The command that the drive is carrying out.
    struct Current {
        unsigned slot = 0;
        AhciRegionTable regions;
        // Where the packet is, if the command header says that there is one.
        std::optional<uint64_t> packet;
        uint32_t bytes_moved = 0;
        bool first_block = true;
        // PIO data went in last: the status came with it, no frame follows.
        bool ended_with_data = false;
    };
    struct Queued {
        bool write = false;
        bool flush = false;
        uint64_t lba = 0;
        uint32_t sectors_left = 0;
        AhciRegionTable regions;
    };
    using CommandFis = std::array<uint8_t, ahci::kMaxCommandFis>;

    void forget_requests();
    void run();
    void send_signature();
    void start(unsigned slot);
    void start_control(const CommandFis& fis, unsigned slot);
    void start_command(const CommandFis& fis, const Current& command);
    void start_queued(const CommandFis& fis, unsigned slot, AhciRegionTable regions);

    void settle();
    void start_request(const AtaDiskRequest& request);
    void start_dma();
    bool move_held(std::span<const uint8_t> held);
    void dma_done(uint32_t sectors, const Buffer* read, int error);
    bool data_in();
    bool data_out();
    void no_room();
    void finish_command();

    void advance_queued(unsigned tag);
    void queued_moved(unsigned tag, uint32_t sectors, const Buffer* read, int error);
    void finish_queued(unsigned tag);
    void fail_queued(const AhciQueueError& error, uint32_t interrupt_bits);
    void read_log(const CommandFis& fis, unsigned slot, AhciRegionTable& regions);
    void refuse(unsigned slot);
    std::array<uint8_t, ata::kSectorSize> error_log() const;
    bool queue_busy() const;

    void submit(block::BlockOp op, uint64_t lba, std::shared_ptr<Buffer> buffer,
                std::move_only_function<void(int error)> done);
    ahci::TaskFile task_file() const;
    void post(unsigned offset, std::span<const uint8_t> frame);
    void post_register_fis(const ahci::TaskFile& file, bool interrupt);
    bool scatter(AhciRegionTable& regions, std::span<const std::byte> data);
    bool gather(AhciRegionTable& regions, std::span<std::byte> data);
    AhciRegionTable::Entry read_region(uint64_t address) const;
    void memory_read(uint64_t address, std::span<std::byte> data) const;
    void memory_write(uint64_t address, std::span<const std::byte> data) const;

    Ahci& owner_;
    DeviceContext context_;
    const unsigned index_;
    AhciPortCore core_;
    std::unique_ptr<IdeDrive> drive_;
    AtapiDrive* cdrom_ = nullptr;  // the drive, if it is one
    block::BlockDevice* disk_ = nullptr;
    std::unique_ptr<CdTray> tray_;
    bool in_soft_reset_ = false;
    AhciQueueError queue_error_;
    std::shared_ptr<Ticket> ticket_ = std::make_shared<Ticket>();
    std::optional<Current> current_;
    std::array<std::optional<Queued>, ahci::kSlots> queue_;
};

}  // namespace qc::hw
