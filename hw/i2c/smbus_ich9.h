// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ICH9's SMBus host controller, with nothing on the bus: every transaction
// ends at once with "no device acknowledged". Source: Intel I/O Controller Hub 9
// datasheet (316972), chapter 19.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <array>
#include <vector>

#include "hw/pci/pci_device.h"
#include "memory/io_handler.h"
#include "state/component_of.h"

namespace qc::hw {

struct Ich9SmbusState {
    PciConfigState config;
    uint8_t status = 0;
    uint8_t control = 0;
    uint8_t command = 0;
    uint8_t address = 0;
    std::array<uint8_t, 2> data{};
    std::array<uint8_t, 32> block{};
    uint8_t block_index = 0;
    uint8_t auxiliary_control = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
        v("status", s.status);
        v("control", s.control);
        v("command", s.command);
        v("address", s.address);
        v("data", s.data);
        v("block", s.block);
        v("block_index", s.block_index);
        v("auxiliary_control", s.auxiliary_control);
    }
};

class Ich9Smbus final : public PciDevice, public memory::IoHandler {
 public:
    explicit Ich9Smbus(const DeviceContext& context);

    std::string_view type_name() const override { return "ICH9-SMB"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    // BAR 4.
    std::string_view io_name() const override { return "pm-smbus"; }
    Rules io_rules() const override { return {.min_size = 1, .max_size = 1}; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

    Ich9SmbusState save() const;
    Result<void> validate(const Ich9SmbusState& state) const;
    void restore(const Ich9SmbusState& state);

 private:
    bool enabled() const;
    bool interrupt() const;
    uint8_t read(unsigned offset);
    void write(unsigned offset, uint8_t value);
    void write_control(uint8_t value);
    uint8_t& block_byte();

    // `config` in it is not used: PciDevice has the configuration space.
    Ich9SmbusState state_;
    memory::MemoryRegion region_;
    state::ComponentOf<Ich9Smbus, Ich9SmbusState> component_{{.name = "ich9_smb"}, *this};
};

}  // namespace qc::hw
