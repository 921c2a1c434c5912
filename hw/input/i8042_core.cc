// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/input/i8042_core.h"

#include <algorithm>

#include "hw/core/ticks.h"

namespace qc::hw {

namespace {

// The command byte; bits 0 and 1 enable the interrupts.
constexpr uint8_t kCommandInterrupt = 0x01;
constexpr uint8_t kCommandSystem = 0x04;
constexpr uint8_t kCommandKeyboardOff = 0x10;
constexpr uint8_t kCommandMouseOff = 0x20;
constexpr uint8_t kCommandTranslate = 0x40;

constexpr uint8_t kStatusFull = 0x01;
constexpr uint8_t kStatusSystem = 0x04;
constexpr uint8_t kStatusCommand = 0x08;
constexpr uint8_t kStatusUnlocked = 0x10;
constexpr uint8_t kStatusMouse = 0x20;

constexpr uint8_t kPortNotReset = 0x01;
constexpr uint8_t kPortA20 = 0x02;
constexpr uint8_t kPortKeyboardFull = 0x10;
constexpr uint8_t kPortMouseFull = 0x20;
constexpr uint8_t kPortPower = 0xc0;  // clock and data lines, idle
constexpr uint8_t kPortLatched = static_cast<uint8_t>(~(kPortKeyboardFull | kPortMouseFull));

constexpr uint8_t kInputPort = 0x80;  // the key lock is open

enum Command : uint8_t {
    kReadRamFirst = 0x20,
    kReadRamLast = 0x3f,
    kWriteRamFirst = 0x60,
    kWriteRamLast = 0x7f,
    kPasswordInstalled = 0xa4,
    kMouseOff = 0xa7,
    kMouseOn = 0xa8,
    kMouseTest = 0xa9,
    kSelfTest = 0xaa,
    kKeyboardTest = 0xab,
    kKeyboardOff = 0xad,
    kKeyboardOn = 0xae,
    kReadInputPort = 0xc0,
    kReadOutputPort = 0xd0,
    kWriteOutputPort = 0xd1,
    kWriteKeyboardBuffer = 0xd2,
    kWriteMouseBuffer = 0xd3,
    kWriteMouse = 0xd4,
    kA20Off = 0xdd,
    kA20On = 0xdf,
    kReadTestInputs = 0xe0,
    kPulseFirst = 0xf0,
};

constexpr uint8_t kNoPassword = 0xf1;
constexpr uint8_t kSelfTestPassed = 0x55;
constexpr uint8_t kReleasePrefix = 0xf0;

// A byte takes 11 bits at 10 to 16.7 kHz, and the controller a moment to tell it.
constexpr int64_t kByteTimeNs = 700'000;

bool takes_data(uint8_t command) {
    return (command >= kWriteRamFirst && command <= kWriteRamLast) ||
           (command >= kWriteOutputPort && command <= kWriteMouse);
}

}  // namespace

void I8042Core::reset() {
    state_ = State{};
    state_.ram[0] = kCommandInterrupt | 0x02;
    state_.output_port = kPortNotReset | kPortA20 | kPortPower;
    keyboard_.reset();
    mouse_.reset();
    reset_requested_ = false;
}

int64_t I8042Core::next_event_ns() const {
    if (state_.full) return kNever;
    if (state_.answer_waits) return 0;
    const bool keyboard = keyboard_.has_data() && (command_byte() & kCommandKeyboardOff) == 0;
    const bool mouse = mouse_.has_data() && (command_byte() & kCommandMouseOff) == 0;
    return keyboard || mouse ? state_.next_byte_ns : kNever;
}

void I8042Core::advance(int64_t now_ns) {
    if (next_event_ns() > now_ns) return;
    if (state_.answer_waits) {
        state_.answer_waits = false;
        state_.data = state_.answer;
        state_.from_mouse = state_.answer_from_mouse;
        state_.full = true;
    } else if (keyboard_.has_data() && (command_byte() & kCommandKeyboardOff) == 0) {
        take_keyboard_byte();
    } else {
        state_.data = mouse_.take();
        state_.from_mouse = true;
        state_.full = true;
    }
}

// Translation swallows the prefix F0h and sets bit 7 of the code after it.
void I8042Core::take_keyboard_byte() {
    uint8_t value = keyboard_.take();
    if (command_byte() & kCommandTranslate) {
        if (value == kReleasePrefix) {
            state_.release_prefix = true;
            // The code follows without a byte of its own in between.
            if (!keyboard_.has_data()) return;
            value = keyboard_.take();
        }
        value = translate_scan_code(value);
        if (std::exchange(state_.release_prefix, false)) value |= 0x80;
    }
    state_.data = value;
    state_.from_mouse = false;
    state_.full = true;
}

uint8_t I8042Core::read_data(int64_t now_ns) {
    advance(now_ns);
    if (state_.full) {
        state_.full = false;
        state_.next_byte_ns = std::clamp<int64_t>(now_ns, 0, kMaxTimeNs / 2) + kByteTimeNs;
    }
    return state_.data;
}

uint8_t I8042Core::read_status() const {
    return static_cast<uint8_t>((state_.full ? kStatusFull : 0) |
                                (state_.self_tested ? kStatusSystem : 0) |
                                (state_.command_last ? kStatusCommand : 0) | kStatusUnlocked |
                                (state_.full && state_.from_mouse ? kStatusMouse : 0));
}

void I8042Core::answer(uint8_t value, bool from_mouse) {
    state_.answer = value;
    state_.answer_from_mouse = from_mouse;
    state_.answer_waits = true;
}

void I8042Core::set_output_port(uint8_t value) {
    state_.output_port = value & kPortLatched;
    if ((value & kPortNotReset) == 0) reset_requested_ = true;
}

void I8042Core::byte_sent_to_device(int64_t now_ns) {
    state_.next_byte_ns = std::clamp<int64_t>(now_ns, 0, kMaxTimeNs / 2) + kByteTimeNs;
}

void I8042Core::write_data(int64_t now_ns, uint8_t value) {
    advance(now_ns);
    state_.command_last = false;
    const uint8_t command = std::exchange(state_.pending, 0);
    if (command >= kWriteRamFirst && command <= kWriteRamLast) {
        state_.ram[command & 0x1f] = value;
        if (command == kWriteRamFirst) state_.self_tested = (value & kCommandSystem) != 0;
    } else if (command == kWriteOutputPort) {
        set_output_port(value);
    } else if (command == kWriteKeyboardBuffer) {
        answer(value);
    } else if (command == kWriteMouseBuffer) {
        answer(value, true);
    } else if (command == kWriteMouse) {
        state_.ram[0] &= static_cast<uint8_t>(~kCommandMouseOff);
        mouse_.write(value);
        byte_sent_to_device(now_ns);
    } else {
        // Sending to the keyboard switches its interface on.
        state_.ram[0] &= static_cast<uint8_t>(~kCommandKeyboardOff);
        keyboard_.write(value);
        byte_sent_to_device(now_ns);
    }
    advance(now_ns);
}

void I8042Core::write_command(int64_t now_ns, uint8_t value) {
    advance(now_ns);
    state_.command_last = true;
    state_.pending = takes_data(value) ? value : 0;
    if (value >= kReadRamFirst && value <= kReadRamLast) {
        answer(state_.ram[value & 0x1f]);
    } else if (value >= kPulseFirst) {
        // Bits 0 to 3 say which lines are pulled low; bit 0 is the processor's reset.
        if ((value & 1) == 0) reset_requested_ = true;
    }
    switch (value) {
        case kPasswordInstalled: answer(kNoPassword); break;
        case kMouseOff: state_.ram[0] |= kCommandMouseOff; break;
        case kMouseOn: state_.ram[0] &= static_cast<uint8_t>(~kCommandMouseOff); break;
        case kMouseTest:
        case kKeyboardTest:
        case kReadTestInputs: answer(0x00); break;
        case kSelfTest:
            state_.self_tested = true;
            state_.ram[0] |= kCommandSystem;
            answer(kSelfTestPassed);
            break;
        case kKeyboardOff: state_.ram[0] |= kCommandKeyboardOff; break;
        case kKeyboardOn: state_.ram[0] &= static_cast<uint8_t>(~kCommandKeyboardOff); break;
        case kReadInputPort: answer(kInputPort); break;
        case kReadOutputPort:
            answer(static_cast<uint8_t>(state_.output_port |
                                        (keyboard_irq() ? kPortKeyboardFull : 0) |
                                        (mouse_irq() ? kPortMouseFull : 0)));
            break;
        case kA20Off: state_.output_port &= static_cast<uint8_t>(~kPortA20); break;
        case kA20On: state_.output_port |= kPortA20; break;
        default: break;
    }
    advance(now_ns);
}

I8042Core::State I8042Core::state() const {
    State state = state_;
    state.keyboard = keyboard_.state();
    state.mouse = mouse_.state();
    return state;
}

Result<void> I8042Core::validate(const State& state) const {
    if (state.pending != 0 && !takes_data(state.pending)) {
        return fail("8042: command {:#x} takes no data", unsigned{state.pending});
    }
    if (state.output_port & ~kPortLatched) {
        return fail("8042: output port {:#x} has bits that are not latched",
                    unsigned{state.output_port});
    }
    if (!time_in_range(state.next_byte_ns)) return fail("8042: a time is out of range");
    TRY(Ps2Keyboard::validate(state.keyboard));
    TRY(Ps2Mouse::validate(state.mouse));
    return {};
}

void I8042Core::restore(const State& state) {
    state_ = state;
    keyboard_.restore(state.keyboard);
    mouse_.restore(state.mouse);
    reset_requested_ = false;
}

}  // namespace qc::hw
