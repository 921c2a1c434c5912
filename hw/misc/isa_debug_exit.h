// SPDX-License-Identifier: GPL-2.0-or-later
//
// A device for test guests: writing v to its port ends the process with exit
// status v * 2 + 1. It has no state.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/machine_port.h"
#include "memory/io_handler.h"

namespace qc::hw {

class IsaDebugExit final : public Device, public memory::IoHandler {
 public:
    struct Config {
        uint16_t iobase = 0x501;
        uint16_t iosize = 2;  // in ports
    };
    IsaDebugExit(const Config& config, const DeviceContext& context, MachinePort& machine);
    ~IsaDebugExit() override;

    std::string_view type_name() const override { return "isa-debug-exit"; }
    void reset() override {}
    std::vector<state::StateComponent*> state_components() override { return {}; }

    std::string_view io_name() const override { return "isa-debug-exit"; }
    uint64_t io_read(uint64_t, unsigned) override { return 0; }
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
    MachinePort& machine_;
    memory::MemoryRegion& io_root_;
    memory::MemoryRegion region_;
};

}  // namespace qc::hw
