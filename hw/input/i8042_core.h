// SPDX-License-Identifier: GPL-2.0-or-later
//
// The 8042 keyboard controller of a PS/2-style PC, with the keyboard and mouse
// behind it. Source: IBM PS/2 hardware interface technical reference, "Keyboard
// and auxiliary device controller". Ports: 60h data, 64h status and command.
//
//   keyboard --(translation)--+
//                             +--> output buffer --> port 60h, IRQ 1 or 12
//   mouse --------------------+          ^
//   controller's own answers ------------+ (first)
//
// A device's next byte comes some time after the last was read, as it does over
// the serial wire: handlers that read port 60h twice rely on that. The
// controller's own answers come at once.
//
// Threading: caller locks. Owned by hw::I8042.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "hw/input/ps2_keyboard.h"
#include "hw/input/ps2_mouse.h"
#include "util/result.h"

namespace qc::hw {

class I8042Core {
 public:
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

    struct State {
        std::array<uint8_t, 32> ram{};  // byte 0 is the command byte
        uint8_t output_port = 0;
        uint8_t data = 0;  // the output buffer
        bool full = false;
        bool from_mouse = false;
        bool answer_waits = false;
        bool answer_from_mouse = false;
        uint8_t answer = 0;
        bool self_tested = false;     // the status register's system flag
        bool command_last = false;    // what was written last went to port 64h
        uint8_t pending = 0;          // the command that waits for a byte at port 60h
        bool release_prefix = false;  // translation has seen F0h
        int64_t next_byte_ns = 0;
        Ps2Keyboard::State keyboard;
        Ps2Mouse::State mouse;

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("ram", s.ram);
            v("output_port", s.output_port);
            v("data", s.data);
            v("full", s.full);
            v("from_mouse", s.from_mouse);
            v("answer_waits", s.answer_waits);
            v("answer_from_mouse", s.answer_from_mouse);
            v("answer", s.answer);
            v("self_tested", s.self_tested);
            v("command_last", s.command_last);
            v("pending", s.pending);
            v("release_prefix", s.release_prefix);
            v("next_byte_ns", s.next_byte_ns);
            v("keyboard", s.keyboard);
            v("mouse", s.mouse);
        }
    };

    I8042Core() { reset(); }
    void reset();

    // Fills the output buffer if it is empty and there is something for it.
    void advance(int64_t now_ns);
    // When advance() has something to do; kNever while the buffer is full or
    // nothing waits.
    int64_t next_event_ns() const;

    uint8_t read_data(int64_t now_ns);
    uint8_t read_status() const;
    void write_data(int64_t now_ns, uint8_t value);
    void write_command(int64_t now_ns, uint8_t value);

    bool keyboard_irq() const { return state_.full && !state_.from_mouse && (command_byte() & 1); }
    bool mouse_irq() const { return state_.full && state_.from_mouse && (command_byte() & 2); }
    bool a20() const { return (state_.output_port & 2) != 0; }
    // True once after the guest pulled the processor's reset line.
    bool take_reset_request() { return std::exchange(reset_requested_, false); }

    Ps2Keyboard& keyboard() { return keyboard_; }
    Ps2Mouse& mouse() { return mouse_; }

    State state() const;
    Result<void> validate(const State& state) const;
    void restore(const State& state);

 private:
    uint8_t command_byte() const { return state_.ram[0]; }
    void set_output_port(uint8_t value);
    void answer(uint8_t value, bool from_mouse = false);
    void take_keyboard_byte();
    void byte_sent_to_device(int64_t now_ns);

    State state_;  // without the devices' parts
    Ps2Keyboard keyboard_;
    Ps2Mouse mouse_;
    bool reset_requested_ = false;
};

}  // namespace qc::hw
