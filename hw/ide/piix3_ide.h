// SPDX-License-Identifier: GPL-2.0-or-later
//
// The IDE function of the PIIX3: two channels on the legacy ports and interrupts,
// bus-master registers in BAR 4, disks on block devices. Source: Intel 82371SB
// datasheet, section 2.3; SFF-8038i.
//
// The legacy ports decode always, whatever IDETIM and the command register say,
// as under QEMU: firmware and tests rely on it.
//
// Disk data goes through buffers of this class, never straight into guest RAM. A
// request whose drive was reset or loaded meanwhile completes into nothing.
//
// Threading: machine lock. Owned by the board; its block devices outlive it.
#pragma once

#include <array>
#include <memory>

#include "block/block_device.h"
#include "hw/core/irq_line.h"
#include "hw/ide/bus_master_core.h"
#include "hw/ide/ide_channel_core.h"
#include "hw/pci/pci_device.h"
#include "memory/io_handler.h"
#include "state/component_of.h"

namespace qc::hw {

class IdeChannel;

struct Piix3IdeState {
    PciConfigState config;
    std::array<IdeChannelState, 2> channels;
    std::array<BusMasterState, 2> bus_masters;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
        v("channels", s.channels);
        v("bus_masters", s.bus_masters);
    }
};

class Piix3Ide final : public PciDevice, public memory::IoHandler {
 public:
    explicit Piix3Ide(const DeviceContext& context);
    ~Piix3Ide() override;

    // While the machine is built; the place is free (asserted).
    void add_disk(unsigned channel, unsigned unit, AtaDriveConfig config, block::BlockDevice& disk);
    void add_cdrom(unsigned channel, unsigned unit, AtapiDriveConfig config,
                   block::BlockDevice& disk);
    // The interrupt pin of a channel: to IRQ 14 and 15.
    IrqLine& irq(unsigned channel);

    std::string_view type_name() const override { return "piix3-ide"; }
    void reset() override;
    // What the firmware set at power-on stays: SeaBIOS does not set it again, and a driver
    // takes a channel whose decoding is off for one that is not there.
    void reset_after_sleep() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    Piix3IdeState save() const;
    Result<void> validate(const Piix3IdeState& state) const;
    void restore(const Piix3IdeState& state);

    // BAR 4: eight bytes for each channel.
    std::string_view io_name() const override { return "piix-bmdma"; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
    friend class IdeChannel;
    bool bus_master_enabled() const { return config().command(pci::kCommandMaster); }

    std::array<std::unique_ptr<IdeChannel>, 2> channels_;
    memory::MemoryRegion bus_master_region_;
    state::ComponentOf<Piix3Ide, Piix3IdeState> component_{{.name = "piix3-ide", .version = 2},
                                                           *this};
};

}  // namespace qc::hw
