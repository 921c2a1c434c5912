// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/piix3_ide.h"

#include "hw/ide/ide_channel.h"

namespace qc::hw {

namespace {

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086,
    .device = 0x7010,
    .class_code = 0x010180,  // legacy ports only, bus master
};

constexpr uint8_t kTiming = 0x40;
constexpr uint8_t kSlaveTiming = 0x44;

constexpr PciRegister kRegisters[] = {
    {0x06, 2, "PCISTS", 0x0280, 0, 0xf900},
    {kTiming, 4, "IDETIM", 0x00000000, 0xffffffff},
    {kSlaveTiming, 1, "SIDETIM", 0x00, 0xff},
};

constexpr unsigned kBusMasterBar = 4;
constexpr uint32_t kBusMasterSize = 16;
constexpr PciBarSpec kBars[] = {{kBusMasterBar, PciBarSpec::Space::kIo, kBusMasterSize}};

}  // namespace

Piix3Ide::Piix3Ide(const DeviceContext& context)
    : PciDevice(context, kIdentity, kRegisters, kBars),
      channels_{std::make_unique<IdeChannel>(*this, context, IdeChannel::Ports{0x1f0, 0x3f6}),
                std::make_unique<IdeChannel>(*this, context, IdeChannel::Ports{0x170, 0x376})},
      bus_master_region_(memory::MemoryRegion::io("piix-bmdma", kBusMasterSize, *this)) {
    set_bar_region(kBusMasterBar, bus_master_region_);
}

Piix3Ide::~Piix3Ide() = default;

void Piix3Ide::add_disk(unsigned channel, unsigned unit, AtaDriveConfig config,
                        block::BlockDevice& disk) {
    channels_[channel]->add_disk(unit, std::move(config), disk);
}

void Piix3Ide::add_cdrom(unsigned channel, unsigned unit, AtapiDriveConfig config,
                         block::BlockDevice& disk) {
    channels_[channel]->add_cdrom(unit, std::move(config), disk);
}

IrqLine& Piix3Ide::irq(unsigned channel) {
    return channels_[channel]->irq();
}

void Piix3Ide::reset() {
    reset_pci();
    for (auto& channel : channels_)
        channel->reset();
}

void Piix3Ide::reset_after_sleep() {
    const uint32_t timing = config().read(kTiming, 4);
    const uint32_t slave_timing = config().read(kSlaveTiming, 1);
    reset();
    mutable_config().write(kTiming, 4, timing);
    mutable_config().write(kSlaveTiming, 1, slave_timing);
}

uint64_t Piix3Ide::io_read(uint64_t offset, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) {
        const auto at = static_cast<unsigned>(offset) + i;
        const uint64_t byte = channels_[at / 8 & 1]->read_bus_master(at % 8);
        value |= byte << (8 * i);
    }
    return value;
}

void Piix3Ide::io_write(uint64_t offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; ++i) {
        const auto at = static_cast<unsigned>(offset) + i;
        channels_[at / 8 & 1]->write_bus_master(at % 8, static_cast<uint8_t>(value >> (8 * i)));
    }
}

Piix3IdeState Piix3Ide::save() const {
    Piix3IdeState state{.config = config().state(), .channels = {}, .bus_masters = {}};
    for (unsigned i = 0; i < channels_.size(); ++i) {
        state.channels[i] = channels_[i]->core().save();
        state.bus_masters[i] = channels_[i]->bus_master().save();
    }
    return state;
}

Result<void> Piix3Ide::validate(const Piix3IdeState& state) const {
    TRY(validate_pci(state.config));
    for (unsigned i = 0; i < channels_.size(); ++i) {
        TRY(channels_[i]->core().validate(state.channels[i]).context("IDE channel {}", i));
        TRY(channels_[i]->bus_master().validate(state.bus_masters[i]).context("IDE channel {}", i));
    }
    return {};
}

void Piix3Ide::restore(const Piix3IdeState& state) {
    restore_pci(state.config);
    for (unsigned i = 0; i < channels_.size(); ++i)
        channels_[i]->restore(state.channels[i], state.bus_masters[i]);
}

}  // namespace qc::hw
