// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: a PCI function with a memory BAR, an I/O BAR and INTA#, whose
// registers return what was written last.
#pragma once

#include "hw/pci/pci_device.h"
#include "memory/io_handler.h"

namespace qc::hw {

class FakePciDevice final : public PciDevice, public memory::IoHandler {
 public:
    explicit FakePciDevice(const DeviceContext& context)
        : PciDevice(context, kIdentity, {}, kBars),
          memory_bar_(memory::MemoryRegion::io("fake-memory", 0x1000, *this)),
          io_bar_(memory::MemoryRegion::io("fake-io", 16, *this)) {
        set_bar_region(0, memory_bar_);
        set_bar_region(4, io_bar_);
    }

    using PciDevice::set_interrupt;
    void load(const PciConfigState& state) { restore_pci(state); }

    std::string_view type_name() const override { return "fake-pci"; }
    void reset() override { reset_pci(); }
    std::vector<state::StateComponent*> state_components() override { return {}; }
    std::string_view io_name() const override { return "fake-pci"; }
    uint64_t io_read(uint64_t, unsigned) override { return value; }
    void io_write(uint64_t, unsigned, uint64_t written) override { value = written; }

    uint64_t value = 0;

 private:
    static constexpr PciIdentity kIdentity = {
        .vendor = 0x1234, .device = 0x5678, .class_code = 0x020000, .interrupt_pin = 1};
    static constexpr PciBarSpec kBars[] = {
        {0, PciBarSpec::Space::kMemory, 0x1000},
        {4, PciBarSpec::Space::kIo, 16},
    };
    memory::MemoryRegion memory_bar_;
    memory::MemoryRegion io_bar_;
};

}  // namespace qc::hw
