// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ICH9's SATA controller in AHCI mode: six ports, one disk each, registers in
// memory (BAR 5) and behind an index/data pair (BAR 4), one interrupt, by pin or
// by message. Source: Serial ATA AHCI 1.3.1, chapter 3; Intel I/O Controller Hub 9
// datasheet (316972), chapter 15.
//
// While the controller itself works on guest memory, accesses to its registers do
// nothing: a guest that has it write to itself gets no further than that.
//
// Threading: machine lock. Owned by the board; its block devices outlive it.
#pragma once

#include <array>
#include <memory>

#include "block/block_device.h"
#include "hw/ide/ahci_port.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci_device.h"
#include "memory/io_handler.h"
#include "state/component_of.h"

namespace qc::hw {

struct AhciState {
    PciConfigState config;
    uint32_t control = 0;           // GHC
    uint32_t interrupt_status = 0;  // IS
    uint32_t index = 0;             // of the index/data pair
    std::array<AhciPortState, ahci::kPorts> ports;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
        v("control", s.control);
        v("interrupt_status", s.interrupt_status);
        v("index", s.index);
        v("ports", s.ports);
    }
};

class Ahci final : public PciDevice, public memory::IoHandler {
 public:
    Ahci(const DeviceContext& context, MsiPort& msi);
    ~Ahci() override;

    // While the machine is built; the port is free.
    void add_disk(unsigned port, AtaDriveConfig config, block::BlockDevice& disk);
    void add_cdrom(unsigned port, AtapiDriveConfig config, block::BlockDevice& disk);

    std::string_view type_name() const override { return "ich9-ahci"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    // BAR 5.
    std::string_view io_name() const override { return "ahci"; }
    Rules io_rules() const override { return {.min_size = 4, .max_size = 4}; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

    AhciState save() const;
    Result<void> validate(const AhciState& state) const;
    void restore(const AhciState& state);

 private:
    friend class AhciPort;
    // BAR 4: an index and the register that it names.
    class IndexPorts final : public memory::IoHandler {
     public:
        explicit IndexPorts(Ahci& ahci) : ahci_(ahci) {}
        std::string_view io_name() const override { return "ahci-idp"; }
        Rules io_rules() const override { return {.min_size = 4, .max_size = 4}; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        Ahci& ahci_;
    };

    bool bus_master_enabled() const { return config().command(pci::kCommandMaster); }
    // Runs something that may touch guest memory, then brings the interrupt up to date.
    void enter(const std::function<void()>& work);
    uint32_t read_register(uint32_t offset) const;
    void write_register(uint32_t offset, uint32_t value);
    void reset_ports();
    void update_interrupt();
    void config_written(uint8_t offset, unsigned size) override;

    MsiPort& msi_;
    std::array<std::unique_ptr<AhciPort>, ahci::kPorts> ports_;
    uint32_t control_ = 0;
    uint32_t interrupt_status_ = 0;
    uint32_t index_ = 0;
    bool entered_ = false;
    bool asserted_ = false;  // what the interrupt was when it was last looked at
    IndexPorts index_ports_{*this};
    memory::MemoryRegion registers_region_;
    memory::MemoryRegion index_region_;
    state::ComponentOf<Ahci, AhciState> component_{{.name = "ich9_ahci", .version = 2}, *this};
};

}  // namespace qc::hw
