// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_device.h"

#include "hw/pci/pci_bus.h"
#include "qom/property.h"
#include "util/assert.h"

namespace qc::hw {

PciDevice::PciDevice(const DeviceContext& context, const PciIdentity& identity,
                     std::span<const PciRegister> registers, std::span<const PciBarSpec> bars)
    : context_(context), config_(identity, registers, bars) {}

PciDevice::~PciDevice() {
    unmap_bars();
    if (bus_ != nullptr) bus_->unplug(*this);
}

std::optional<uint8_t> PciDevice::devfn() const {
    return bus_ == nullptr ? std::nullopt : bus_->devfn_of(*this);
}

void PciDevice::settle_properties(qom::PropertyValues& properties) const {
    if (const auto place = devfn()) properties.settle("addr", *place);
}

void PciDevice::set_bar_region(unsigned index, memory::MemoryRegion& region) {
    QC_ASSERT(config_.bar(index) && config_.bar(index)->size == region.size());
    bars_[index].region = &region;
}

uint32_t PciDevice::config_read(uint8_t offset, unsigned size) {
    config_is_read(offset, size);
    return config_.read(offset, size);
}

void PciDevice::config_write(uint8_t offset, unsigned size, uint32_t value) {
    config_.write(offset, size, value);
    unsigned end = offset + size;
    bool command = offset < pci::kStatus && end > pci::kCommand;
    bool bars = offset < pci::kBar0 + 4 * kPciBarCount && end > pci::kBar0;
    if (command || bars) update_mappings();
    if (command) intx_.set(pin_level());
    config_written(offset, size);
}

bool PciDevice::pin_level() const {
    return (config_.word(pci::kStatus) & pci::kStatusInterrupt) != 0 &&
           !config_.command(pci::kCommandInterruptDisable);
}

void PciDevice::set_interrupt(bool level) {
    uint16_t status = config_.word(pci::kStatus);
    status = static_cast<uint16_t>(level ? status | pci::kStatusInterrupt
                                         : status & ~pci::kStatusInterrupt);
    config_.set(pci::kStatus, 2, status);
    intx_.set(pin_level());
}

memory::MemoryRegion& PciDevice::window(unsigned index) const {
    bool io = config_.bar(index)->space == PciBarSpec::Space::kIo;
    return io ? bus_->io_window() : bus_->memory_window();
}

void PciDevice::update_mappings() {
    if (bus_ == nullptr) return;
    bool io_changed = false;
    bool memory_changed = false;
    for (unsigned index = 0; index < kPciBarCount; ++index) {
        Bar& bar = bars_[index];
        if (bar.region == nullptr) continue;
        std::optional<uint64_t> wanted = config_.bar_address(index);
        if (wanted == bar.address) continue;
        if (bar.address) window(index).remove_child(*bar.region);
        // Above the fixed registers of the bus, so that a BAR put over them is seen.
        if (wanted) window(index).add_child(*wanted, *bar.region, 1);
        bar.address = wanted;
        bool io = config_.bar(index)->space == PciBarSpec::Space::kIo;
        (io ? io_changed : memory_changed) = true;
    }
    if (io_changed) context_.io.rebuild();
    if (memory_changed) context_.memory.rebuild();
}

void PciDevice::unmap_bars() {
    if (bus_ == nullptr) return;
    for (unsigned index = 0; index < kPciBarCount; ++index) {
        Bar& bar = bars_[index];
        if (!bar.address) continue;
        window(index).remove_child(*bar.region);
        bar.address.reset();
    }
}

void PciDevice::reset_pci() {
    config_.reset();
    update_mappings();
    intx_.set(false);
}

void PciDevice::restore_pci(const PciConfigState& state) {
    config_.restore(state);
    update_mappings();
    intx_.restore(pin_level());
}

}  // namespace qc::hw
