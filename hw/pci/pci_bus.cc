// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_bus.h"

#include "util/assert.h"

namespace qc::hw {

Result<void> PciBus::plug(PciDevice& device, PciSlot slot) {
    if (slot.device >= 32 || slot.function >= 8) {
        return fail("PCI: there is no slot {:02x}.{:x}", slot.device, slot.function);
    }
    PciDevice*& place = devices_[slot.devfn()];
    if (place != nullptr) {
        return fail("PCI: slot {} function {} not available for {}, in use by {}", slot.device,
                    slot.function, device.type_name(), place->type_name());
    }
    place = &device;
    device.bus_ = this;
    uint8_t pin = device.config().byte(pci::kInterruptPin);
    if (pin != 0 && router_ != nullptr) {
        unsigned input = router_->input_of(slot.devfn(), pin);
        router_->pin_connected(input, device.intx_);
        device.intx_.connect([this, input](bool) { router_->pin_changed(input); });
    }
    device.update_mappings();
    return {};
}

void PciBus::unplug(PciDevice& device) {
    for (unsigned devfn = 0; devfn < devices_.size(); ++devfn) {
        if (devices_[devfn] != &device) continue;
        devices_[devfn] = nullptr;
        uint8_t pin = device.config().byte(pci::kInterruptPin);
        if (pin != 0 && router_ != nullptr) {
            unsigned input = router_->input_of(static_cast<uint8_t>(devfn), pin);
            router_->pin_disconnected(input, device.intx_);
        }
    }
    device.bus_ = nullptr;
}

Result<PciSlot> PciBus::free_slot(uint8_t first) const {
    for (uint8_t number = first; number < 32; ++number) {
        bool used = false;
        for (uint8_t function = 0; function < 8; ++function)
            used = used || device({number, function}) != nullptr;
        if (!used) return PciSlot{number, 0};
    }
    return fail("PCI: no slot/function available, all in use");
}

std::optional<uint8_t> PciBus::devfn_of(const PciDevice& device) const {
    for (unsigned devfn = 0; devfn < devices_.size(); ++devfn) {
        if (devices_[devfn] == &device) return static_cast<uint8_t>(devfn);
    }
    return std::nullopt;
}

PciDevice* PciBus::seen(uint8_t devfn) const {
    return (hidden_ >> (devfn >> 3) & 1) != 0 ? nullptr : devices_[devfn];
}

uint32_t PciBus::config_read(uint8_t devfn, uint8_t offset, unsigned size) const {
    PciDevice* device = seen(devfn);
    if (device == nullptr) return 0xffffffffu >> (32 - 8 * size);
    return device->config_read(offset, size);
}

void PciBus::config_write(uint8_t devfn, uint8_t offset, unsigned size, uint32_t value) {
    PciDevice* device = seen(devfn);
    if (device != nullptr) device->config_write(offset, size, value);
}

}  // namespace qc::hw
