// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/char/isa_serial.h"

#include <algorithm>
#include <array>

#include "hw/char/trace.h"

namespace qc::hw {

IsaSerial::Location IsaSerial::standard_location(unsigned index) {
    constexpr std::array<Location, kMaxIndex + 1> kLocations = {
        {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}}};
    return kLocations[std::min(index, kMaxIndex)];
}

IsaSerial::IsaSerial(const Config& config, const DeviceContext& context,
                     chardev::ChardevClaim backend)
    : port_(config.port),
      lock_(context.lock),
      timers_(context.virtual_timers),
      io_root_(context.io_root),
      region_(memory::MemoryRegion::io("serial", SerialCore::kPorts, *this)),
      timeout_(timers_,
               [this] {
                   core_.timeout_reached();
                   update();
               }),
      resend_(timers_,
              [this] {
                  send();
                  update();
              }),
      backend_(std::move(backend)),
      component_({.name = "serial", .instance = config.index}, *this) {
    io_root_.add_child(config.port, region_);
    core_.set_modem_inputs(SerialCore::kCts | SerialCore::kDsr | SerialCore::kDcd);
    core_.reset();
    if (backend_) backend_.attach(*this);
}

IsaSerial::~IsaSerial() {
    if (backend_) backend_.detach();
    io_root_.remove_child(region_);
}

uint64_t IsaSerial::io_read(uint64_t offset, unsigned) {
    const uint8_t value = core_.read(static_cast<unsigned>(offset));
    update();
    return value;
}

void IsaSerial::io_write(uint64_t offset, unsigned, uint64_t value) {
    const auto reg = static_cast<unsigned>(offset);
    if (reg != 0) trace::serial_control(port_, reg, static_cast<uint8_t>(value));
    core_.write(reg, static_cast<uint8_t>(value));
    send();
    update();
}

void IsaSerial::send() {
    const auto waiting = core_.pending_output();
    if (waiting.empty()) return;
    core_.output_taken(backend_ ? backend_.write(std::as_bytes(waiting)) : waiting.size());
}

void IsaSerial::update() {
    irq_.set(core_.irq());
    if (core_.take_timeout_restart()) {
        core_.restart_timeout(timers_.clock().now_ns());
        arm_timeout();
    }
    if (input_held_ && core_.receive_space() > 0) {
        input_held_ = false;
        backend_.accept_input();
    }
}

void IsaSerial::arm_timeout() {
    if (core_.timeout_ns() == 0) {
        timeout_.cancel();
    } else {
        timeout_.arm_at_ns(core_.timeout_ns());
    }
}

size_t IsaSerial::can_receive() {
    MachineLockGuard guard(lock_);
    const size_t space = core_.receive_space();
    input_held_ = space == 0;
    return space;
}

void IsaSerial::receive(std::span<const std::byte> data) {
    MachineLockGuard guard(lock_);
    core_.receive({reinterpret_cast<const uint8_t*>(data.data()), data.size()});
    update();
}

void IsaSerial::event(chardev::ChardevEvent event) {
    if (event != chardev::ChardevEvent::kBreak) return;
    MachineLockGuard guard(lock_);
    core_.receive_break();
    update();
}

void IsaSerial::writable() {
    MachineLockGuard guard(lock_);
    send();
    update();
}

bool IsaSerial::change_back_end(const std::function<void()>& swap) {
    MachineLockGuard guard(lock_);
    swap();
    return true;
}

void IsaSerial::reset() {
    core_.reset();
    timeout_.cancel();
    resend_.cancel();
    update();
}

void IsaSerial::restore(const SerialCore::State& state) {
    core_.restore(state);
    irq_.restore(core_.irq());
    arm_timeout();
    if (core_.pending_output().empty()) {
        resend_.cancel();
    } else {
        resend_.arm_at_ns(0);  // whatever the clock will be set to, it is past that
    }
    update();
}

}  // namespace qc::hw
