// SPDX-License-Identifier: GPL-2.0-or-later
//
// PCI configuration mechanism #1: CONFIG_ADDRESS at port 0xcf8, CONFIG_DATA at
// 0xcfc-0xcff. Source: PCI 2.1, section 3.7.4.1. The byte register in between,
// 0xcf9, belongs to the ISA bridge, which registers itself here.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <cstdint>

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/pci/pci_bus.h"
#include "memory/io_handler.h"
#include "state/component_of.h"

namespace qc::hw {

// The reset control register of the ISA bridge, port 0xcf9.
class ResetControlPort {
 public:
    virtual ~ResetControlPort() = default;
    virtual uint8_t read_reset_control() = 0;
    virtual void write_reset_control(uint8_t value) = 0;
};

struct PciHostState {
    uint32_t config_address = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config_address", s.config_address);
    }
};

class PciHost final : public Device {
 public:
    // `type_name` is the board's name for its host bridge: "i440FX-pcihost".
    PciHost(const DeviceContext& context, PciBus& bus,
            std::string_view type_name = "i440FX-pcihost");
    ~PciHost() override;

    void set_reset_control(ResetControlPort& port) { reset_control_ = &port; }

    std::string_view type_name() const override { return type_name_; }
    void reset() override { state_ = {}; }
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    PciHostState save() const { return state_; }
    Result<void> validate(const PciHostState& state) const;
    void restore(const PciHostState& state) { state_ = state; }

 private:
    // 0xcf8-0xcfb.
    class AddressPorts final : public memory::IoHandler {
     public:
        explicit AddressPorts(PciHost& host) : host_(host) {}
        std::string_view io_name() const override { return "pci-conf-idx"; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        PciHost& host_;
    };
    // 0xcfc-0xcff.
    class DataPorts final : public memory::IoHandler {
     public:
        explicit DataPorts(PciHost& host) : host_(host) {}
        std::string_view io_name() const override { return "pci-conf-data"; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        PciHost& host_;
    };

    // True if the address register selects something on our bus.
    bool selected() const;

    DeviceContext context_;
    PciBus& bus_;
    const std::string_view type_name_;
    ResetControlPort* reset_control_ = nullptr;
    PciHostState state_;
    AddressPorts address_ports_{*this};
    DataPorts data_ports_{*this};
    memory::MemoryRegion address_region_;
    memory::MemoryRegion data_region_;
    state::ComponentOf<PciHost, PciHostState> component_{{.name = "pci-host"}, *this};
};

}  // namespace qc::hw
