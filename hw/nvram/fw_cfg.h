// SPDX-License-Identifier: GPL-2.0-or-later
//
// fw_cfg on a PC: selector at port 0x510, data at 0x511, and the DMA address, in
// big-endian order, at 0x514 (high half) and 0x518 (low half, starts the
// transfer). See hw/nvram/fw_cfg_core.h.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/nvram/fw_cfg_core.h"
#include "memory/io_handler.h"
#include "state/component_of.h"

namespace qc::hw {

class FwCfg final : public Device {
 public:
    explicit FwCfg(const DeviceContext& context);
    ~FwCfg() override;

    // Items; while the machine is built.
    void add(uint16_t key, std::vector<std::byte> data) { core_.add(key, std::move(data)); }
    void add_u16(uint16_t key, uint16_t value);
    void add_u32(uint16_t key, uint32_t value);
    void add_u64(uint16_t key, uint64_t value);
    void add_file(std::string_view name, std::vector<std::byte> data) {
        core_.add_file(name, std::move(data));
    }

    std::string_view type_name() const override { return "fw_cfg_io"; }
    void reset() override { core_.reset(); }
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

 private:
    class SelectorPorts final : public memory::IoHandler {
     public:
        explicit SelectorPorts(FwCfg& device) : device_(device) {}
        std::string_view io_name() const override { return "fwcfg"; }
        Rules io_rules() const override { return {.min_size = 1, .max_size = 2}; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        FwCfg& device_;
    };
    class DmaPorts final : public memory::IoHandler {
     public:
        explicit DmaPorts(FwCfg& device) : device_(device) {}
        std::string_view io_name() const override { return "fwcfg.dma"; }
        Rules io_rules() const override { return {.min_size = 1, .max_size = 8}; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        FwCfg& device_;
    };

    void start_dma();
    // False if the guest asked for what cannot be.
    bool transfer(uint32_t control, uint32_t length, uint64_t address);

    DeviceContext context_;
    FwCfgCore core_;
    SelectorPorts selector_ports_{*this};
    DmaPorts dma_ports_{*this};
    memory::MemoryRegion selector_region_;
    memory::MemoryRegion dma_region_;
    state::ComponentOf<FwCfgCore, FwCfgState> component_;
};

}  // namespace qc::hw
