// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ide_channel.h"

#include <algorithm>

#include "hw/ide/piix3_ide.h"
#include "hw/ide/trace.h"

namespace qc::hw {

namespace {
// How much of a DMA transfer is in flight at once.
constexpr uint32_t kDmaChunkSectors = 256;
constexpr IdeChannelCore::Units kBoth = 3;
}  // namespace

IdeChannel::IdeChannel(Piix3Ide& owner, const DeviceContext& context, Ports ports)
    : owner_(owner),
      context_(context),
      port_(ports.command_block),
      command_region_(memory::MemoryRegion::io("ide-cmd", 8, command_ports_)),
      control_region_(memory::MemoryRegion::io("ide-ctl", 1, control_port_)) {
    context_.io_root.add_child(ports.command_block, command_region_);
    context_.io_root.add_child(ports.control_block, control_region_);
}

IdeChannel::~IdeChannel() {
    context_.io_root.remove_child(command_region_);
    context_.io_root.remove_child(control_region_);
}

void IdeChannel::add_disk(unsigned unit, AtaDriveConfig config, block::BlockDevice& disk) {
    core_.add_drive(unit, std::move(config));
    units_[unit].disk = &disk;
}

void IdeChannel::add_cdrom(unsigned unit, AtapiDriveConfig config, block::BlockDevice& disk) {
    AtapiDrive& drive = core_.add_cdrom(unit, std::move(config));
    units_[unit].disk = &disk;
    units_[unit].tray = std::make_unique<CdTray>(drive, disk);
}

void IdeChannel::forget_requests(IdeChannelCore::Units which) {
    for (unsigned unit = 0; unit < units_.size(); ++unit) {
        if ((which >> unit & 1) == 0) continue;
        units_[unit].request.reset();
        if (dma_unit_ == unit) dma_unit_.reset();
    }
}

void IdeChannel::reset() {
    forget_requests(kBoth);
    core_.reset();
    bus_master_.reset();
    irq_.set(false);
}

void IdeChannel::restore(const IdeChannelState& channel, const BusMasterState& bus_master) {
    forget_requests(kBoth);
    core_.restore(channel);
    bus_master_.restore(bus_master);
    irq_.restore(core_.interrupt());
}

void IdeChannel::settle() {
    for (unsigned unit = 0; unit < units_.size(); ++unit) {
        IdeDrive* drive = core_.drive(unit);
        if (drive == nullptr) continue;
        if (auto request = drive->take_request()) start_request(unit, *request);
        if (units_[unit].tray) units_[unit].tray->notice();
    }
    start_dma();
    const bool interrupt = core_.interrupt();
    if (interrupt && !irq_.level()) bus_master_.note_interrupt();
    irq_.set(interrupt);
}

void IdeChannel::submit(unsigned unit, const AtaDiskRequest& request,
                        std::shared_ptr<Buffer> buffer,
                        std::move_only_function<void(int error)> done) {
    auto ticket = std::make_shared<Ticket>();
    units_[unit].request = ticket;
    block::BlockRequest block_request;
    block_request.offset = request.lba * ata::kSectorSize;
    switch (request.operation) {
        case AtaOperation::kRead: block_request.op = block::BlockOp::kRead; break;
        case AtaOperation::kWrite: block_request.op = block::BlockOp::kWrite; break;
        default: block_request.op = block::BlockOp::kFlush; break;
    }
    if (buffer) block_request.buffers.push_back({buffer->data(), buffer->size()});
    // The buffer lives as long as the request, the channel possibly not.
    block_request.done = [this, unit, ticket = std::weak_ptr(ticket), buffer = std::move(buffer),
                          done = std::move(done)](int error) mutable {
        if (ticket.expired()) return;
        if (error != 0) trace::ide_disk_error(port_, error);
        units_[unit].request.reset();
        done(error);
    };
    units_[unit].disk->submit(std::move(block_request));
}

void IdeChannel::start_request(unsigned unit, const AtaDiskRequest& request) {
    IdeDrive& drive = *core_.drive(unit);
    std::shared_ptr<Buffer> buffer;
    if (request.operation == AtaOperation::kRead) {
        buffer = std::make_shared<Buffer>(request.sectors * ata::kSectorSize);
        const Buffer* data = buffer.get();
        submit(unit, request, std::move(buffer), [this, &drive, data](int error) {
            drive.finish_read(error == 0, *data);
            settle();
        });
        return;
    }
    if (request.operation == AtaOperation::kWrite) {
        auto block = std::as_bytes(drive.write_block());
        buffer = std::make_shared<Buffer>(block.begin(), block.end());
    }
    submit(unit, request, std::move(buffer), [this, &drive](int error) {
        drive.finish(error == 0);
        settle();
    });
}

void IdeChannel::start_dma() {
    if (dma_unit_ || !bus_master_.active() || !bus_master_.started()) return;
    IdeDrive* drive = core_.selected();
    if (drive == nullptr) return;
    std::optional<AtaDmaTransfer> transfer = drive->dma();
    if (!transfer) return;

    if (!transfer->held.empty()) return move_held(*drive, transfer->held);
    trace::ide_dma(port_, transfer->to_memory, transfer->lba, transfer->sectors);
    const unsigned unit = drive == core_.drive(0) ? 0 : 1;
    const uint32_t sectors = std::min(transfer->sectors, kDmaChunkSectors);
    auto buffer = std::make_shared<Buffer>(sectors * ata::kSectorSize);
    if (transfer->to_memory) {
        dma_unit_ = unit;
        const Buffer* data = buffer.get();
        submit(
            unit, {AtaOperation::kRead, transfer->lba, sectors}, std::move(buffer),
            [this, unit, sectors, data](int error) { dma_read_done(unit, sectors, *data, error); });
        return;
    }
    // What the descriptors do not give, the drive does not write.
    const auto given = static_cast<uint32_t>(gather(*buffer) / ata::kSectorSize);
    if (given == 0) return drive->dma_dropped();
    buffer->resize(given * ata::kSectorSize);
    dma_unit_ = unit;
    submit(unit, {AtaOperation::kWrite, transfer->lba, given}, std::move(buffer),
           [this, unit, given](int error) { dma_write_done(unit, given, error); });
}

// What the drive has itself, not the disk.
void IdeChannel::move_held(IdeDrive& drive, std::span<const uint8_t> held) {
    if (scatter(std::as_bytes(held)) == held.size()) {
        drive.dma_moved(0);
    } else {
        trace::ide_dma_short(port_);
        drive.dma_dropped();
    }
    after_dma(drive);
}

void IdeChannel::dma_read_done(unsigned unit, uint32_t sectors, const Buffer& buffer, int error) {
    dma_unit_.reset();
    IdeDrive& drive = *core_.drive(unit);
    if (error != 0) {
        drive.dma_failed();
    } else {
        if (scatter(buffer) == buffer.size()) {
            drive.dma_moved(sectors);
        } else {
            trace::ide_dma_short(port_);
            drive.dma_dropped();
        }
    }
    after_dma(drive);
}

void IdeChannel::dma_write_done(unsigned unit, uint32_t sectors, int error) {
    dma_unit_.reset();
    IdeDrive& drive = *core_.drive(unit);
    if (error != 0) {
        drive.dma_failed();
    } else {
        drive.dma_moved(sectors);
        if (!bus_master_.active()) drive.dma_dropped();
    }
    after_dma(drive);
}

void IdeChannel::after_dma(const IdeDrive& drive) {
    if (!drive.dma()) bus_master_.transfer_done();
    // The guest stopped the bus master while the disk was at work.
    if (!bus_master_.started()) bus_master_.stop();
    settle();
}

uint64_t IdeChannel::read_descriptor(uint32_t address) const {
    // A function that may not be master of the bus reads nothing.
    if (!owner_.bus_master_enabled()) return 0;
    return context_.memory.load(memory::PhysAddr(address), 8);
}

size_t IdeChannel::scatter(std::span<const std::byte> data) {
    size_t done = 0;
    auto read = [this](uint32_t address) { return read_descriptor(address); };
    while (done < data.size()) {
        auto region = bus_master_.next_region(static_cast<uint32_t>(data.size() - done), read);
        if (!region) break;
        if (owner_.bus_master_enabled()) {
            context_.memory.write(memory::PhysAddr(region->address),
                                  data.subspan(done, region->bytes));
        }
        done += region->bytes;
    }
    return done;
}

size_t IdeChannel::gather(std::span<std::byte> data) {
    size_t done = 0;
    auto read = [this](uint32_t address) { return read_descriptor(address); };
    while (done < data.size()) {
        auto region = bus_master_.next_region(static_cast<uint32_t>(data.size() - done), read);
        if (!region) break;
        if (owner_.bus_master_enabled()) {
            context_.memory.read(memory::PhysAddr(region->address),
                                 data.subspan(done, region->bytes));
        }
        done += region->bytes;
    }
    return done;
}

uint8_t IdeChannel::read_bus_master(unsigned offset) const {
    switch (offset) {
        case 0: return bus_master_.command();
        case 2: return bus_master_.status();
        case 4:
        case 5:
        case 6:
        case 7: return static_cast<uint8_t>(bus_master_.table() >> (8 * (offset - 4)));
        default: return 0xff;
    }
}

void IdeChannel::write_bus_master(unsigned offset, uint8_t value) {
    switch (offset) {
        case 0:
            switch (bus_master_.write_command(value)) {
                case BusMasterCore::CommandEffect::kStarted: settle(); return;
                case BusMasterCore::CommandEffect::kStopped:
                    if (!dma_unit_) bus_master_.stop();
                    return;
                case BusMasterCore::CommandEffect::kNothing: return;
            }
            return;
        case 2: bus_master_.write_status(value); return;
        case 4:
        case 5:
        case 6:
        case 7: {
            const unsigned shift = 8 * (offset - 4);
            const uint32_t rest = bus_master_.table() & ~(0xffu << shift);
            bus_master_.write_table(rest | static_cast<uint32_t>(value) << shift);
            return;
        }
        default: return;
    }
}

void IdeChannel::write_bus_master_table(uint32_t value) {
    bus_master_.write_table(value);
}

uint64_t IdeChannel::CommandPorts::io_read(uint64_t offset, unsigned size) {
    IdeChannelCore& core = channel_.core_;
    uint64_t value = 0;
    if (offset == ata::kData && size >= 2) {
        for (unsigned i = 0; i < size; i += 2)
            value |= static_cast<uint64_t>(core.read_data()) << (8 * i);
    } else {
        for (unsigned i = 0; i < size; ++i) {
            const auto reg = static_cast<unsigned>(offset) + i;
            const uint8_t byte = reg == ata::kData ? 0xff : core.read(reg);
            value |= static_cast<uint64_t>(byte) << (8 * i);
        }
    }
    channel_.settle();
    return value;
}

void IdeChannel::CommandPorts::io_write(uint64_t offset, unsigned size, uint64_t value) {
    IdeChannelCore& core = channel_.core_;
    if (offset == ata::kData && size >= 2) {
        for (unsigned i = 0; i < size; i += 2)
            core.write_data(static_cast<uint16_t>(value >> (8 * i)));
    } else {
        for (unsigned i = 0; i < size; ++i) {
            const auto reg = static_cast<unsigned>(offset) + i;
            if (reg == ata::kData) continue;
            // A command takes INTRQ back before the drive may assert it anew.
            if (reg == ata::kCommand) {
                trace::ide_command(channel_.port_, core.drive(1) == core.selected() ? 1 : 0,
                                   static_cast<uint8_t>(value >> (8 * i)));
                channel_.irq_.set(false);
            }
            channel_.forget_requests(core.write(reg, static_cast<uint8_t>(value >> (8 * i))));
        }
    }
    channel_.settle();
}

uint64_t IdeChannel::ControlPort::io_read(uint64_t, unsigned) {
    return channel_.core_.alternate_status();
}

void IdeChannel::ControlPort::io_write(uint64_t, unsigned, uint64_t value) {
    if (auto units = channel_.core_.write_control(static_cast<uint8_t>(value))) {
        trace::ide_reset(channel_.port_);
        channel_.forget_requests(units);
    }
    channel_.settle();
}

}  // namespace qc::hw
