// SPDX-License-Identifier: GPL-2.0-or-later
//
// The shell that every PCI function shares: configuration space, BARs that come
// and go in the address spaces, and one INTx# pin. A device derives from it,
// embeds PciConfigState in its own state struct, and calls reset_pci(),
// validate_pci() and restore_pci() from its own functions.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/irq_line.h"
#include "hw/pci/pci_config.h"

namespace qc::hw {

class PciBus;

class PciDevice : public Device {
 public:
    // Takes the BARs out of the trees. Who destroys a device while the machine goes
    // on has the address spaces rebuilt.
    ~PciDevice() override;

    // Configuration cycles, as PciConfig::read() and write().
    uint32_t config_read(uint8_t offset, unsigned size);
    void config_write(uint8_t offset, unsigned size, uint32_t value);

    const PciConfig& config() const { return config_; }
    const PciDevice* as_pci() const override { return this; }
    // The property "addr".
    void settle_properties(qom::PropertyValues& properties) const override;
    // 8 * slot + function; nothing while it is in no bus.
    std::optional<uint8_t> devfn() const;
    // Where the BAR is in its address space now.
    std::optional<uint64_t> mapped_at(unsigned bar) const { return bars_[bar].address; }

 protected:
    PciDevice(const DeviceContext& context, const PciIdentity& identity,
              std::span<const PciRegister> registers, std::span<const PciBarSpec> bars);

    // During construction: what the BAR shows, of the size that its spec says. A
    // member of the derived class will do.
    void set_bar_region(unsigned index, memory::MemoryRegion& region);

    // Before the guest reads configuration bytes [offset, offset + size): what a
    // register shows may be made then.
    virtual void config_is_read(uint8_t /*offset*/, unsigned /*size*/) {}
    // After the guest wrote configuration bytes [offset, offset + size).
    virtual void config_written(uint8_t /*offset*/, unsigned /*size*/) {}

    const DeviceContext& context() const { return context_; }
    PciConfig& mutable_config() { return config_; }

    // The device's wish; the command register may keep it from the pin.
    void set_interrupt(bool level);

    void reset_pci();
    Result<void> validate_pci(const PciConfigState& state) const { return config_.validate(state); }
    // Brings mappings to what `state` says and sets the pin without passing it on.
    void restore_pci(const PciConfigState& state);

 private:
    friend class PciBus;
    struct Bar {
        memory::MemoryRegion* region = nullptr;
        std::optional<uint64_t> address;
    };
    bool pin_level() const;
    void update_mappings();
    void unmap_bars();
    memory::MemoryRegion& window(unsigned index) const;

    DeviceContext context_;
    PciConfig config_;
    PciBus* bus_ = nullptr;
    IrqLine intx_;
    std::array<Bar, kPciBarCount> bars_;
};

}  // namespace qc::hw
