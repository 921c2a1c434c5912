// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_bus.h"

#include "util/assert.h"

namespace qc::hw {

// The usual rotation of the pins over the wires; on the PC board INTA# of device
// 1 is on PIRQA#.
unsigned PciBus::pirq_of(uint8_t devfn, uint8_t pin) {
    unsigned device = devfn >> 3;
    return (pin - 1u + device + 3u) & 3u;
}

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
        unsigned pirq = pirq_of(slot.devfn(), pin);
        router_->pin_connected(pirq, device.intx_);
        device.intx_.connect([this, pirq](bool) { router_->pin_changed(pirq); });
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
            unsigned pirq = pirq_of(static_cast<uint8_t>(devfn), pin);
            router_->pin_disconnected(pirq, device.intx_);
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

uint32_t PciBus::config_read(uint8_t devfn, uint8_t offset, unsigned size) const {
    const PciDevice* device = devices_[devfn];
    if (device == nullptr) return 0xffffffffu >> (32 - 8 * size);
    return device->config_read(offset, size);
}

void PciBus::config_write(uint8_t devfn, uint8_t offset, unsigned size, uint32_t value) {
    PciDevice* device = devices_[devfn];
    if (device != nullptr) device->config_write(offset, size, value);
}

}  // namespace qc::hw
