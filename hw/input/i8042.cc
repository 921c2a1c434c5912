// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/input/i8042.h"

#include "hw/input/trace.h"

namespace qc::hw {

I8042::I8042(const DeviceContext& context, const Connections& connections)
    : timers_(context.virtual_timers),
      machine_(connections.machine),
      a20_(connections.a20),
      timer_(timers_, [this] { update(); }),
      data_port_(*this, context.io_root, "i8042-data", 0x60, 1),
      command_port_(*this, context.io_root, "i8042-cmd", 0x64, 1) {
    a20_.set(A20Gate::Source::kKeyboardController, core_.a20());
}

void I8042::set_irqs() {
    keyboard_irq_.set(core_.keyboard_irq());
    mouse_irq_.set(core_.mouse_irq());
}

void I8042::arm_timer() {
    const int64_t next = core_.next_event_ns();
    if (next == I8042Core::kNever) {
        timer_.cancel();
    } else {
        timer_.arm_at_ns(next);
    }
}

void I8042::update() {
    core_.advance(now_ns());
    set_irqs();
    a20_.set(A20Gate::Source::kKeyboardController, core_.a20());
    if (core_.take_reset_request()) machine_.request_guest_reset();
    arm_timer();
}

uint8_t I8042::read_data(unsigned) {
    const uint8_t value = core_.read_data(now_ns());
    trace::i8042_read_data(value);
    // The line falls before an answer that was waiting raises it again.
    set_irqs();
    update();
    return value;
}

void I8042::write_data(unsigned, uint8_t value) {
    trace::i8042_write_data(value);
    core_.write_data(now_ns(), value);
    update();
}

uint8_t I8042::read_status(unsigned) {
    if (core_.next_event_ns() != I8042Core::kNever) update();
    return core_.read_status();
}

void I8042::write_command(unsigned, uint8_t value) {
    trace::i8042_command(value);
    core_.write_command(now_ns(), value);
    update();
}

void I8042::key(KeyNumber number, bool down) {
    core_.keyboard().key(number, down);
    update();
}

void I8042::move_mouse(int32_t dx, int32_t dy, int32_t dz) {
    core_.mouse().move(dx, dy, dz);
    update();
}

void I8042::set_mouse_buttons(uint8_t buttons) {
    core_.mouse().set_buttons(buttons);
    update();
}

void I8042::reset() {
    core_.reset();
    update();
}

void I8042::restore(const I8042Core::State& state) {
    core_.restore(state);
    keyboard_irq_.restore(core_.keyboard_irq());
    mouse_irq_.restore(core_.mouse_irq());
    a20_.restore(A20Gate::Source::kKeyboardController, core_.a20());
    arm_timer();
}

}  // namespace qc::hw
