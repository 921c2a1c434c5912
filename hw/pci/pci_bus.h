// SPDX-License-Identifier: GPL-2.0-or-later
//
// One PCI bus: functions by device and function number, the windows into which
// their BARs are mapped, and the way of their INTx# pins to the router.
//
// Threading: machine lock. Owned by the board; outlives the devices plugged in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "hw/pci/pci_device.h"
#include "util/result.h"

namespace qc::hw {

struct PciSlot {
    uint8_t device = 0;    // 0-31
    uint8_t function = 0;  // 0-7
    constexpr uint8_t devfn() const { return static_cast<uint8_t>(device << 3 | function); }
};

// What the INTx# pins of the bus end in: inputs of an interrupt router.
class PciInterruptRouter {
 public:
    virtual ~PciInterruptRouter() = default;
    // The input to which `pin` (1 INTA# to 4 INTD#) of a function leads. Unless the
    // router has it otherwise, the usual rotation over four PIRQ# wires: INTA# of
    // device 1 is on PIRQA#, input 0.
    virtual unsigned input_of(uint8_t devfn, uint8_t pin) const {
        return (pin - 1u + (devfn >> 3) + 3u) & 3u;
    }
    // `pin` is one of several that drive `input`; it outlives its connection.
    virtual void pin_connected(unsigned input, const IrqLine& pin) = 0;
    virtual void pin_disconnected(unsigned input, const IrqLine& pin) = 0;
    // Some pin on `input` changed its level.
    virtual void pin_changed(unsigned input) = 0;
};

class PciBus {
 public:
    PciBus(uint8_t number, memory::MemoryRegion& memory_window, memory::MemoryRegion& io_window)
        : number_(number), memory_window_(memory_window), io_window_(io_window) {}

    // Before the first device with an interrupt pin is plugged in.
    void set_interrupt_router(PciInterruptRouter& router) { router_ = &router; }

    Result<void> plug(PciDevice& device, PciSlot slot);
    void unplug(PciDevice& device);
    // The lowest device number from `first` on with no function in it.
    Result<PciSlot> free_slot(uint8_t first) const;

    // Devices whose bits are set are not seen by the guest: it has let them go.
    void hide(uint32_t device_numbers) { hidden_ = device_numbers; }
    // Of a function that is plugged in.
    std::optional<uint8_t> devfn_of(const PciDevice& device) const;

    PciDevice* device(PciSlot slot) const { return devices_[slot.devfn()]; }
    uint8_t number() const { return number_; }
    memory::MemoryRegion& memory_window() const { return memory_window_; }
    memory::MemoryRegion& io_window() const { return io_window_; }

    // Configuration cycles. Where nobody answers, reads give all ones.
    uint32_t config_read(uint8_t devfn, uint8_t offset, unsigned size) const;
    void config_write(uint8_t devfn, uint8_t offset, unsigned size, uint32_t value);

 private:
    uint8_t number_;
    memory::MemoryRegion& memory_window_;
    memory::MemoryRegion& io_window_;
    PciDevice* seen(uint8_t devfn) const;

    PciInterruptRouter* router_ = nullptr;
    std::array<PciDevice*, 256> devices_{};
    uint32_t hidden_ = 0;
};

}  // namespace qc::hw
