// SPDX-License-Identifier: GPL-2.0-or-later
//
// A port that prints what is written to it: firmware's debug console. It has no
// state and no flow control: what the back end has no room for is lost.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "chardev/chardev.h"
#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/port_range.h"

namespace qc::hw {

class Debugcon final : public Device, private chardev::ChardevFrontend {
 public:
    struct Config {
        uint16_t iobase = 0xe9;
        // What a read gives, by which a guest recognises the device.
        uint8_t readback = 0xe9;
    };
    // `backend` may be empty: then output vanishes.
    Debugcon(const Config& config, const DeviceContext& context, chardev::ChardevClaim backend);
    ~Debugcon() override;

    std::string_view type_name() const override { return "isa-debugcon"; }
    void reset() override {}
    std::vector<state::StateComponent*> state_components() override { return {}; }

 private:
    uint8_t read(unsigned) { return readback_; }
    void write(unsigned offset, uint8_t value);

    size_t can_receive() override { return 0; }
    void receive(std::span<const std::byte>) override {}
    void event(chardev::ChardevEvent) override {}
    bool change_back_end(const std::function<void()>& swap) override;

    MachineLock& lock_;
    uint8_t readback_;
    chardev::ChardevClaim backend_;
    PortRange<Debugcon, &Debugcon::read, &Debugcon::write> port_;
};

}  // namespace qc::hw
