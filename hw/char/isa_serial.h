// SPDX-License-Identifier: GPL-2.0-or-later
//
// A PC's serial port: a 16550A on its eight ISA ports in front of a character
// device. See hw/char/serial_core.h.
//
// Output goes to the back end as soon as the guest writes it. What the back end
// does not take stays in the transmitter's FIFO, so that the guest sees a busy
// transmitter; with no back end it vanishes.
//
// Threading: machine lock; the ChardevFrontend functions are called without it,
// on the main loop, and take it. Owned by the board.
#pragma once

#include "chardev/chardev.h"
#include "hw/char/serial_core.h"
#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/irq_line.h"
#include "memory/io_handler.h"
#include "state/component_of.h"

namespace qc::hw {

class IsaSerial final : public Device, public memory::IoHandler, private chardev::ChardevFrontend {
 public:
    static constexpr unsigned kMaxIndex = 3;
    struct Location {
        uint16_t port;
        uint8_t irq;
    };
    // Where a PC has COM1 to COM4; `index` is 0 to kMaxIndex.
    static Location standard_location(unsigned index);

    struct Config {
        uint32_t index = 0;  // distinguishes the ports' states
        uint16_t port = 0x3f8;
    };

    // `backend` may be empty.
    IsaSerial(const Config& config, const DeviceContext& context, chardev::ChardevClaim backend);
    ~IsaSerial() override;

    IrqLine& irq() { return irq_; }

    std::string_view type_name() const override { return "isa-serial"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    std::string_view io_name() const override { return "serial"; }
    Rules io_rules() const override { return {.min_size = 1, .max_size = 1}; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

    // For the component.
    SerialCore::State save() const { return core_.state(); }
    Result<void> validate(const SerialCore::State& state) const { return core_.validate(state); }
    void restore(const SerialCore::State& state);

 private:
    size_t can_receive() override;
    void receive(std::span<const std::byte> data) override;
    void event(chardev::ChardevEvent event) override;
    void writable() override;
    bool change_back_end(const std::function<void()>& swap) override;

    void send();
    void update();
    void arm_timeout();

    uint16_t port_;
    MachineLock& lock_;
    TimerQueue& timers_;
    memory::MemoryRegion& io_root_;
    memory::MemoryRegion region_;
    SerialCore core_;
    IrqLine irq_;
    // The back end was told that nothing more fits.
    bool input_held_ = false;
    Timer timeout_;
    // Sends what a loaded state had in the transmitter, once the VM runs.
    Timer resend_;
    chardev::ChardevClaim backend_;
    state::ComponentOf<IsaSerial, SerialCore::State> component_;
};

}  // namespace qc::hw
