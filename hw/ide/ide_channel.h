// SPDX-License-Identifier: GPL-2.0-or-later
//
// The shell of one IDE channel: its ports, its interrupt line, its disks, and the
// movement of data between disks and guest memory for the bus master.
//
// Threading: machine lock. Owned by Piix3Ide.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "block/block_device.h"
#include "hw/core/device_context.h"
#include "hw/core/irq_line.h"
#include "hw/ide/bus_master_core.h"
#include "hw/ide/cd_tray.h"
#include "hw/ide/ide_channel_core.h"
#include "memory/io_handler.h"

namespace qc::hw {

class Piix3Ide;

class IdeChannel {
 public:
    struct Ports {
        uint16_t command_block;
        uint16_t control_block;
    };
    IdeChannel(Piix3Ide& owner, const DeviceContext& context, Ports ports);
    ~IdeChannel();

    void add_disk(unsigned unit, AtaDriveConfig config, block::BlockDevice& disk);
    void add_cdrom(unsigned unit, AtapiDriveConfig config, block::BlockDevice& disk);
    IrqLine& irq() { return irq_; }
    void reset();

    uint8_t read_bus_master(unsigned offset) const;
    void write_bus_master(unsigned offset, uint8_t value);
    void write_bus_master_table(uint32_t value);

    const IdeChannelCore& core() const { return core_; }
    const BusMasterCore& bus_master() const { return bus_master_; }
    void restore(const IdeChannelState& channel, const BusMasterState& bus_master);

 private:
    class CommandPorts final : public memory::IoHandler {
     public:
        explicit CommandPorts(IdeChannel& channel) : channel_(channel) {}
        std::string_view io_name() const override { return "ide-cmd"; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        IdeChannel& channel_;
    };
    class ControlPort final : public memory::IoHandler {
     public:
        explicit ControlPort(IdeChannel& channel) : channel_(channel) {}
        std::string_view io_name() const override { return "ide-ctl"; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        IdeChannel& channel_;
    };

    using Buffer = std::vector<std::byte>;
    // A request in flight holds a reference to its unit's ticket that dies with it.
    struct Ticket {};
    struct Unit {
        block::BlockDevice* disk = nullptr;
        std::unique_ptr<CdTray> tray;  // of a CD drive
        std::shared_ptr<Ticket> request;
    };

    // After every entry into a core: does what it wants done.
    void settle();
    void forget_requests(IdeChannelCore::Units which);
    void start_request(unsigned unit, const AtaDiskRequest& request);
    void start_dma();
    void submit(unsigned unit, const AtaDiskRequest& request, std::shared_ptr<Buffer> buffer,
                std::move_only_function<void(int error)> done);
    void dma_read_done(unsigned unit, uint32_t sectors, const Buffer& buffer, int error);
    void dma_write_done(unsigned unit, uint32_t sectors, int error);
    // How many bytes the descriptors had room for.
    size_t scatter(std::span<const std::byte> data);
    size_t gather(std::span<std::byte> data);
    uint64_t read_descriptor(uint32_t address) const;
    void move_held(IdeDrive& drive, std::span<const uint8_t> held);
    void after_dma(const IdeDrive& drive);

    Piix3Ide& owner_;
    DeviceContext context_;
    const uint16_t port_;  // names the channel in traces
    IdeChannelCore core_;
    BusMasterCore bus_master_;
    std::array<Unit, 2> units_;
    std::optional<unsigned> dma_unit_;  // whose transfer is in flight
    IrqLine irq_;
    CommandPorts command_ports_{*this};
    ControlPort control_port_{*this};
    memory::MemoryRegion command_region_;
    memory::MemoryRegion control_region_;
};

}  // namespace qc::hw
