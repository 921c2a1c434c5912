// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ahci_port.h"

#include <algorithm>

#include "hw/ide/ahci.h"
#include "hw/ide/trace.h"
#include "util/checked.h"
#include "util/little_endian.h"

namespace qc::hw {

using namespace ahci;

namespace {

// How much of a transfer is in flight at once.
constexpr uint32_t kChunkSectors = 256;
constexpr uint8_t kDeviceSelect = 0x10;
constexpr uint8_t kReadQueued = 0x60;
constexpr uint8_t kWriteQueued = 0x61;
constexpr uint8_t kReadLog = 0x2f;
constexpr uint8_t kReadLogDma = 0x47;
constexpr uint8_t kLogDirectory = 0x00;
constexpr uint8_t kErrorLog = 0x10;
constexpr uint8_t kReady = ata::kStatusReady | ata::kStatusSeekDone;
constexpr uint8_t kForceUnitAccess = 0x80;

// One entry of the command list.
struct Header {
    uint32_t fis_bytes;
    uint16_t regions;
    bool packet;
    uint64_t table;
};

Header parse_header(std::span<const std::byte, kHeaderSize> data) {
    const uint32_t flags = get_le<uint32_t>(data, 0);
    return {.fis_bytes = (flags & 0x1f) * 4,
            .regions = static_cast<uint16_t>(flags >> 16),
            .packet = (flags & 0x20) != 0,
            .table = get_le<uint64_t>(data, 8) & ~uint64_t{0x7f}};
}

}  // namespace

void AhciPort::add_disk(AtaDriveConfig config, block::BlockDevice& disk) {
    config.serial_ata = true;
    drive_ = std::make_unique<AtaDrive>(std::move(config));
    disk_ = &disk;
    core_.set_present();
    reset();
}

void AhciPort::add_cdrom(AtapiDriveConfig config, block::BlockDevice& disk) {
    config.serial_ata = true;
    auto drive = std::make_unique<AtapiDrive>(std::move(config));
    cdrom_ = drive.get();
    drive_ = std::move(drive);
    disk_ = &disk;
    tray_ = std::make_unique<CdTray>(*cdrom_, disk);
    core_.set_present();
    reset();
}

void AhciPort::forget_requests() {
    ticket_ = std::make_shared<Ticket>();
    current_.reset();
    queue_.fill(std::nullopt);
}

void AhciPort::reset() {
    forget_requests();
    core_.reset();
    in_soft_reset_ = false;
    queue_error_ = {};
    if (drive_) drive_->power_on_reset();
}

void AhciPort::write(unsigned offset, uint32_t value) {
    const AhciPortCore::Effects effects = core_.write(offset, value);
    if (effects.forget) {
        const bool busy = current_.has_value();
        forget_requests();
        if (drive_) drive_->abandon();
        if (busy && (core_.read(kSctl) & 0xf) == 0) core_.set_task_file(kReady, 0);
    }
    if (effects.reset_device && drive_) {
        trace::ahci_reset(index_);
        in_soft_reset_ = false;
        drive_->power_on_reset();
    }
    if (effects.run) run();
}

void AhciPort::run() {
    send_signature();
    while (auto slot = core_.fetch_slot())
        start(*slot);
}

void AhciPort::send_signature() {
    if (!drive_ || !core_.take_signature(drive_->signature())) return;
    post_register_fis(task_file(), false);
}

void AhciPort::start(unsigned slot) {
    if (!drive_ || !owner_.bus_master_enabled()) return core_.halt(kIsHostBusFatal);
    std::array<std::byte, kHeaderSize> bytes{};
    memory_read(core_.header_address(slot), bytes);
    const Header header = parse_header(bytes);
    CommandFis fis{};
    if (header.fis_bytes < 8 || header.fis_bytes > fis.size()) {
        return core_.halt(kIsInterfaceFatal);
    }
    memory_read(header.table, std::as_writable_bytes(std::span(fis)).first(header.fis_bytes));
    if (fis[0] != kHostToDevice) return core_.halt(kIsInterfaceFatal);
    if ((fis[1] & kCommandFlag) == 0) return start_control(fis, slot);
    const AhciRegionTable regions(header.table + kRegionTable, header.regions);
    trace::ahci_command(index_, slot, fis[2]);
    if (cdrom_ == nullptr && (fis[2] == kReadQueued || fis[2] == kWriteQueued)) {
        return start_queued(fis, slot, regions);
    }
    Current command{.slot = slot, .regions = regions, .packet = std::nullopt};
    if (header.packet) command.packet = header.table + kPacketOffset;
    start_command(fis, command);
}

// The device control register: SRST, as it falls, resets the drive.
void AhciPort::start_control(const CommandFis& fis, unsigned slot) {
    core_.command_done(slot);
    const bool reset = (fis[15] & kControlReset) != 0;
    const bool falls = in_soft_reset_ && !reset;
    in_soft_reset_ = reset;
    if (!falls) return;
    trace::ahci_reset(index_);
    forget_requests();
    drive_->soft_reset();
    post_register_fis(task_file(), false);
}

void AhciPort::start_command(const CommandFis& fis, const Current& command) {
    if (queue_busy()) {
        // A drive with queued commands in it takes no other.
        return fail_queued({.error = ata::kErrorAborted}, kIsRegister);
    }
    if (cdrom_ == nullptr && (fis[2] == kReadLog || fis[2] == kReadLogDma)) {
        AhciRegionTable regions = command.regions;
        return read_log(fis, command.slot, regions);
    }
    current_ = command;
    const std::pair<unsigned, uint8_t> registers[] = {
        {ata::kFeatures, fis[11]},    {ata::kFeatures, fis[3]}, {ata::kSectorCount, fis[13]},
        {ata::kSectorCount, fis[12]}, {ata::kLbaLow, fis[8]},   {ata::kLbaLow, fis[4]},
        {ata::kLbaMid, fis[9]},       {ata::kLbaMid, fis[5]},   {ata::kLbaHigh, fis[10]},
        {ata::kLbaHigh, fis[6]},      {ata::kDevice, fis[7]},
    };
    for (const auto& [reg, value] : registers) {
        drive_->write(reg,
                      reg == ata::kDevice ? value & static_cast<uint8_t>(~kDeviceSelect) : value);
    }
    core_.set_task_file(ata::kStatusBusy, 0);
    drive_->command(fis[2]);
    settle();
}

void AhciPort::settle() {
    while (current_) {
        if (auto request = drive_->take_request()) return start_request(*request);
        switch (drive_->phase()) {
            case AtaPhase::kDisk: return;
            case AtaPhase::kDma: {
                const auto held = drive_->dma()->held;
                if (held.empty()) return start_dma();
                if (!move_held(held)) return;
                break;
            }
            case AtaPhase::kDataIn:
                if (!data_in()) return;
                break;
            case AtaPhase::kDataOut:
                if (!data_out()) return;
                break;
            case AtaPhase::kIdle: return finish_command();
        }
    }
}

void AhciPort::submit(block::BlockOp op, uint64_t lba, std::shared_ptr<Buffer> buffer,
                      std::move_only_function<void(int error)> done) {
    block::BlockRequest request;
    request.op = op;
    request.offset = lba * ata::kSectorSize;
    if (buffer) request.buffers.push_back({buffer->data(), buffer->size()});
    // The buffer lives as long as the request, the port possibly not.
    request.done = [this, ticket = std::weak_ptr(ticket_), buffer = std::move(buffer),
                    done = std::move(done)](int error) mutable {
        if (ticket.expired()) return;
        if (error != 0) trace::ahci_disk_error(index_, error);
        owner_.enter([&] {
            done(error);
            run();
        });
    };
    disk_->submit(std::move(request));
}

void AhciPort::start_request(const AtaDiskRequest& request) {
    if (request.operation == AtaOperation::kRead) {
        auto buffer = std::make_shared<Buffer>(request.sectors * ata::kSectorSize);
        const Buffer* data = buffer.get();
        return submit(block::BlockOp::kRead, request.lba, std::move(buffer),
                      [this, data](int error) {
                          drive_->finish_read(error == 0, *data);
                          settle();
                      });
    }
    std::shared_ptr<Buffer> buffer;
    auto op = block::BlockOp::kFlush;
    if (request.operation == AtaOperation::kWrite) {
        auto block = std::as_bytes(drive_->write_block());
        buffer = std::make_shared<Buffer>(block.begin(), block.end());
        op = block::BlockOp::kWrite;
    }
    submit(op, request.lba, std::move(buffer), [this](int error) {
        drive_->finish(error == 0);
        settle();
    });
}

void AhciPort::start_dma() {
    const AtaDmaTransfer transfer = *drive_->dma();
    const uint32_t sectors = std::min(transfer.sectors, kChunkSectors);
    auto buffer = std::make_shared<Buffer>(sectors * ata::kSectorSize);
    const Buffer* read = transfer.to_memory ? buffer.get() : nullptr;
    if (!transfer.to_memory && !gather(current_->regions, *buffer)) return no_room();
    submit(transfer.to_memory ? block::BlockOp::kRead : block::BlockOp::kWrite, transfer.lba,
           std::move(buffer), [this, sectors, read](int error) { dma_done(sectors, read, error); });
}

// What the drive has itself, not the disk.
bool AhciPort::move_held(std::span<const uint8_t> held) {
    if (!scatter(current_->regions, std::as_bytes(held))) {
        no_room();
        return false;
    }
    current_->bytes_moved += static_cast<uint32_t>(held.size());
    drive_->dma_moved(0);
    return true;
}

void AhciPort::dma_done(uint32_t sectors, const Buffer* read, int error) {
    if (error != 0) {
        drive_->dma_failed();
    } else {
        if (read != nullptr && !scatter(current_->regions, *read)) return no_room();
        current_->bytes_moved += sectors * ata::kSectorSize;
        drive_->dma_moved(sectors);
    }
    settle();
}

bool AhciPort::data_in() {
    const auto block = std::as_bytes(drive_->read_block());
    const auto bytes = static_cast<uint32_t>(block.size());
    const TaskFile file = task_file();
    if (!scatter(current_->regions, block)) {
        no_room();
        return false;
    }
    current_->bytes_moved += bytes;
    drive_->clear_interrupt();
    drive_->read_block_taken();
    // A packet's status follows in a frame of its own, a disk's came with the data.
    current_->ended_with_data = drive_->phase() == AtaPhase::kIdle && !drive_->interrupt();
    post(kPioSetupOffset, pio_setup_fis(file, true, true, drive_->status(), bytes));
    core_.raise(kIsPioSetup);
    return true;
}

bool AhciPort::data_out() {
    Buffer block(drive_->write_block_size());
    const TaskFile file = task_file();
    const bool packet = drive_->wants_packet() && current_->packet;
    if (packet) {
        memory_read(*current_->packet, block);
    } else if (!gather(current_->regions, block)) {
        no_room();
        return false;
    }
    if (!packet) current_->bytes_moved += static_cast<uint32_t>(block.size());
    drive_->fill_write_block(block);
    // The first block needs no interrupt: the host has just asked for it.
    const bool interrupt = !current_->first_block;
    current_->first_block = false;
    post(kPioSetupOffset, pio_setup_fis(file, false, interrupt, drive_->status(),
                                        static_cast<uint32_t>(block.size())));
    if (interrupt) core_.raise(kIsPioSetup);
    return true;
}

void AhciPort::no_room() {
    trace::ahci_no_room(index_, current_->slot);
    drive_->abandon();
    TaskFile file = task_file();
    file.status = kReady | ata::kStatusError;
    file.error = ata::kErrorAborted;
    current_.reset();
    post_register_fis(file, true);
    core_.halt(kIsTaskFile | kIsOverflow);
}

void AhciPort::finish_command() {
    const Current command = *current_;
    current_.reset();
    if (tray_) tray_->notice();
    drive_->clear_interrupt();
    std::array<std::byte, 4> count{};
    for (unsigned i = 0; i < count.size(); ++i)
        count[i] = std::byte(command.bytes_moved >> (8 * i));
    memory_write(core_.header_address(command.slot) + 4, count);
    const TaskFile file = task_file();
    if (command.ended_with_data && (file.status & ata::kStatusError) == 0) {
        core_.set_task_file(file.status, file.error);
    } else {
        post_register_fis(file, true);
    }
    if ((file.status & ata::kStatusError) != 0) return core_.halt(kIsTaskFile);
    core_.command_done(command.slot);
}

bool AhciPort::queue_busy() const {
    return std::ranges::any_of(queue_, [](const auto& entry) { return entry.has_value(); });
}

void AhciPort::start_queued(const CommandFis& fis, unsigned slot, AhciRegionTable regions) {
    const unsigned tag = fis[12] >> 3;
    uint64_t lba = 0;
    for (unsigned i = 0; i < 3; ++i)
        lba |= uint64_t{fis[4 + i]} << (8 * i) | uint64_t{fis[8 + i]} << (24 + 8 * i);
    uint32_t sectors = fis[3] | static_cast<uint32_t>(fis[11]) << 8;
    if (sectors == 0) sectors = 65536;
    // Controller and drive speak of the same command by its slot and its tag.
    if (tag != slot || !core_.queued(tag) || queue_[tag]) {
        return fail_queued({static_cast<uint8_t>(tag), 0, ata::kErrorAborted, lba}, kIsRegister);
    }
    if (!range_fits<uint64_t>(lba, sectors, disk_->length() / ata::kSectorSize)) {
        return fail_queued({static_cast<uint8_t>(tag), 0, ata::kErrorIdNotFound, lba}, kIsRegister);
    }
    const bool write = fis[2] == kWriteQueued;
    const bool durable = (fis[7] & kForceUnitAccess) != 0 || !drive_->write_cache();
    queue_[tag] = Queued{.write = write,
                         .flush = write && durable,
                         .lba = lba,
                         .sectors_left = sectors,
                         .regions = regions};
    TaskFile accepted = task_file();
    accepted.status = kReady;
    accepted.error = 0;
    post_register_fis(accepted, false);
    core_.command_done(slot);
    advance_queued(tag);
}

void AhciPort::advance_queued(unsigned tag) {
    Queued& command = *queue_[tag];
    const uint32_t sectors = std::min(command.sectors_left, kChunkSectors);
    if (sectors == 0) {
        if (!command.flush) return finish_queued(tag);
        command.flush = false;
        return submit(block::BlockOp::kFlush, 0, nullptr,
                      [this, tag](int error) { queued_moved(tag, 0, nullptr, error); });
    }
    auto buffer = std::make_shared<Buffer>(sectors * ata::kSectorSize);
    const Buffer* read = command.write ? nullptr : buffer.get();
    if (command.write && !gather(command.regions, *buffer)) {
        return fail_queued({static_cast<uint8_t>(tag), 0, ata::kErrorAborted, command.lba},
                           kIsDeviceBits | kIsOverflow);
    }
    submit(command.write ? block::BlockOp::kWrite : block::BlockOp::kRead, command.lba,
           std::move(buffer),
           [this, tag, sectors, read](int error) { queued_moved(tag, sectors, read, error); });
}

void AhciPort::queued_moved(unsigned tag, uint32_t sectors, const Buffer* read, int error) {
    Queued& command = *queue_[tag];
    if (error != 0) {
        const uint8_t code = command.write ? ata::kErrorAborted : ata::kErrorUncorrectable;
        return fail_queued({static_cast<uint8_t>(tag), 0, code, command.lba}, kIsDeviceBits);
    }
    if (read != nullptr && !scatter(command.regions, *read)) {
        return fail_queued({static_cast<uint8_t>(tag), 0, ata::kErrorAborted, command.lba},
                           kIsDeviceBits | kIsOverflow);
    }
    command.lba += sectors;
    command.sectors_left -= sectors;
    advance_queued(tag);
}

void AhciPort::finish_queued(unsigned tag) {
    queue_[tag].reset();
    const uint32_t done = 1u << tag;
    post(kDeviceBitsOffset, device_bits_fis(kReady, 0, done));
    core_.set_task_file(kReady, 0);
    core_.queued_done(done);
    core_.raise(kIsDeviceBits);
}

// An error ends all that is in the queue; the host starts the port anew, and asks the
// drive's log which command it was.
void AhciPort::fail_queued(const AhciQueueError& error, uint32_t interrupt_bits) {
    queue_error_ = error;
    queue_error_.status = kReady | ata::kStatusError;
    forget_requests();
    TaskFile file = task_file();
    file.status = queue_error_.status;
    file.error = error.error;
    if ((interrupt_bits & kIsRegister) != 0) {
        post_register_fis(file, true);
    } else {
        post(kDeviceBitsOffset, device_bits_fis(file.status, file.error, 0));
        core_.set_task_file(file.status, file.error);
    }
    core_.halt(kIsTaskFile | interrupt_bits);
}

// The page's bytes add up to zero.
std::array<uint8_t, ata::kSectorSize> AhciPort::error_log() const {
    std::array<uint8_t, ata::kSectorSize> page{};
    page[0] = queue_error_.tag;
    page[2] = queue_error_.status;
    page[3] = queue_error_.error;
    for (unsigned i = 0; i < 3; ++i) {
        page[4 + i] = static_cast<uint8_t>(queue_error_.lba >> (8 * i));
        page[8 + i] = static_cast<uint8_t>(queue_error_.lba >> (24 + 8 * i));
    }
    uint8_t sum = 0;
    for (uint8_t byte : page)
        sum = static_cast<uint8_t>(sum + byte);
    page.back() = static_cast<uint8_t>(0x100 - sum);
    return page;
}

void AhciPort::refuse(unsigned slot) {
    trace::ahci_refused(index_, slot);
    TaskFile file = task_file();
    file.status = kReady | ata::kStatusError;
    file.error = ata::kErrorAborted;
    post_register_fis(file, true);
    core_.halt(kIsTaskFile);
}

// READ LOG EXT and its DMA form: the directory, and the queue's errors. Source:
// ATA8-ACS, section 7.25 and annex A.
void AhciPort::read_log(const CommandFis& fis, unsigned slot, AhciRegionTable& regions) {
    const uint8_t log = fis[4];
    const bool first_page_only = fis[5] == 0 && fis[9] == 0 && fis[12] == 1 && fis[13] == 0;
    if ((log != kLogDirectory && log != kErrorLog) || !first_page_only) return refuse(slot);
    std::array<uint8_t, ata::kSectorSize> page{};
    if (log == kErrorLog) {
        page = error_log();
        queue_error_ = {};
    } else {
        page[0] = 1;              // version
        page[2 * kErrorLog] = 1;  // the pages of that log
    }
    if (!scatter(regions, std::as_bytes(std::span(page)))) {
        refuse(slot);
        return core_.raise(kIsOverflow);
    }
    std::array<std::byte, 4> count{std::byte{0}, std::byte{ata::kSectorSize >> 8}};
    memory_write(core_.header_address(slot) + 4, count);
    TaskFile file = task_file();
    file.error = 0;
    file.status = kReady;
    core_.command_done(slot);
    if (fis[2] == kReadLogDma) return post_register_fis(file, true);
    file.status |= ata::kStatusDataRequest;
    post(kPioSetupOffset, pio_setup_fis(file, true, true, kReady, ata::kSectorSize));
    core_.set_task_file(kReady, 0);
    core_.raise(kIsPioSetup);
}

TaskFile AhciPort::task_file() const {
    auto reg = [this](unsigned number, bool high) { return drive_->read(number, high); };
    return {.status = drive_->status(),
            .error = reg(ata::kFeatures, false),
            .device = reg(ata::kDevice, false),
            .lba = {reg(ata::kLbaLow, false), reg(ata::kLbaMid, false), reg(ata::kLbaHigh, false),
                    reg(ata::kLbaLow, true), reg(ata::kLbaMid, true), reg(ata::kLbaHigh, true)},
            .count = {reg(ata::kSectorCount, false), reg(ata::kSectorCount, true)}};
}

void AhciPort::post(unsigned offset, std::span<const uint8_t> frame) {
    if (auto address = core_.fis_address()) memory_write(*address + offset, std::as_bytes(frame));
}

void AhciPort::post_register_fis(const TaskFile& file, bool interrupt) {
    post(kRegisterOffset, register_fis(file, interrupt));
    core_.set_task_file(file.status, file.error);
    if (interrupt) core_.raise(kIsRegister);
}

AhciRegionTable::Entry AhciPort::read_region(uint64_t address) const {
    std::array<std::byte, kRegionEntrySize> bytes{};
    memory_read(address, bytes);
    return {.address = get_le<uint64_t>(bytes, 0), .count = get_le<uint32_t>(bytes, 12)};
}

bool AhciPort::scatter(AhciRegionTable& regions, std::span<const std::byte> data) {
    auto read = [this](uint64_t address) { return read_region(address); };
    while (!data.empty()) {
        auto region = regions.next(static_cast<uint32_t>(data.size()), read);
        if (!region) return false;
        memory_write(region->address, data.first(region->bytes));
        data = data.subspan(region->bytes);
    }
    return true;
}

bool AhciPort::gather(AhciRegionTable& regions, std::span<std::byte> data) {
    auto read = [this](uint64_t address) { return read_region(address); };
    while (!data.empty()) {
        auto region = regions.next(static_cast<uint32_t>(data.size()), read);
        if (!region) return false;
        memory_read(region->address, data.first(region->bytes));
        data = data.subspan(region->bytes);
    }
    return true;
}

// A function that may not be master of the bus reads zeros and writes nothing; so
// does one that goes past the end of the address space.
void AhciPort::memory_read(uint64_t address, std::span<std::byte> data) const {
    std::ranges::fill(data, std::byte{0});
    if (!owner_.bus_master_enabled() || address > ~uint64_t{0} - data.size()) return;
    context_.memory.read(memory::PhysAddr(address), data);
}

void AhciPort::memory_write(uint64_t address, std::span<const std::byte> data) const {
    if (!owner_.bus_master_enabled() || address > ~uint64_t{0} - data.size()) return;
    context_.memory.write(memory::PhysAddr(address), data);
}

AhciPortState AhciPort::save() const {
    AhciPortState state{.registers = core_.state(),
                        .drive = {},
                        .in_soft_reset = in_soft_reset_,
                        .queue_error = queue_error_,
                        .packet = {}};
    if (drive_) state.drive = drive_->save();
    if (cdrom_ != nullptr) state.packet = cdrom_->save_packet();
    return state;
}

Result<void> AhciPort::validate(const AhciPortState& state) const {
    TRY(core_.validate(state.registers));
    if (state.queue_error.tag >= kSlots && state.queue_error.tag != AhciQueueError::kNone) {
        return fail("an error in the queue at tag {}", state.queue_error.tag);
    }
    if (!drive_) {
        if (state.drive.capacity != 0 || state.packet.present) {
            return fail("a drive is there that is not here");
        }
        return {};
    }
    if (cdrom_ != nullptr) {
        TRY(cdrom_->validate_packet(state.drive, state.packet));
    } else if (state.packet.present) {
        return fail("a CD-ROM drive is there, and a disk here");
    } else {
        TRY(drive_->validate(state.drive));
    }
    if (state.drive.phase != AtaPhase::kIdle) {
        return fail("a command was in flight when it was saved");
    }
    return {};
}

void AhciPort::restore(const AhciPortState& state) {
    forget_requests();
    core_.restore(state.registers);
    in_soft_reset_ = state.in_soft_reset;
    queue_error_ = state.queue_error;
    if (drive_) drive_->restore(state.drive);
    if (cdrom_ != nullptr) cdrom_->restore_packet(state.packet);
}

}  // namespace qc::hw
