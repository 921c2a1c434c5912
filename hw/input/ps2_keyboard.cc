// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/input/ps2_keyboard.h"

namespace qc::hw {

namespace {

enum Command : uint8_t {
    kSetLeds = 0xed,
    kEcho = 0xee,
    kScanSet = 0xf0,
    kReadId = 0xf2,
    kTypematic = 0xf3,
    kEnable = 0xf4,
    kDisable = 0xf5,
    kDefaults = 0xf6,
    kAllKeysFirst = 0xf7,
    kAllKeysLast = 0xfa,
    kOneKeyFirst = 0xfb,
    kOneKeyLast = 0xfd,
    kResend = 0xfe,
    kReset = 0xff,
};
constexpr uint8_t kFirstCommand = kSetLeds;

constexpr uint8_t kAck = 0xfa;
constexpr uint8_t kTestPassed = 0xaa;
constexpr uint8_t kSayAgain = 0xfe;

bool has_parameter(uint8_t command) {
    return command == kSetLeds || command == kScanSet || command == kTypematic ||
           (command >= kOneKeyFirst && command <= kOneKeyLast);
}

}  // namespace

void Ps2Keyboard::set_defaults() {
    state_.scan_set = ScanSet::kSet2;
    state_.typematic = State{}.typematic;
    state_.leds = 0;
}

void Ps2Keyboard::write(uint8_t value) {
    // A command in place of a parameter ends the command before it.
    if (state_.expecting != 0 && value < kFirstCommand) {
        parameter(value);
    } else {
        command(value);
    }
}

void Ps2Keyboard::command(uint8_t value) {
    state_.expecting = has_parameter(value) ? value : 0;
    Ps2Queue& queue = state_.queue;
    if (has_parameter(value) || (value >= kAllKeysFirst && value <= kAllKeysLast)) {
        queue.push_answer({kAck});
        return;
    }
    switch (value) {
        case kEcho: queue.push_answer({kEcho}); return;
        case kReadId: queue.push_answer({kAck, 0xab, 0x83}); return;
        case kEnable:
            queue.clear();
            state_.scanning = true;
            queue.push_answer({kAck});
            return;
        case kDisable:
        case kDefaults:
            queue.clear();
            set_defaults();
            if (value == kDisable) state_.scanning = false;
            queue.push_answer({kAck});
            return;
        case kResend: queue.push_answer({queue.last_taken}); return;
        case kReset:
            reset();
            state_.queue.push_answer({kAck, kTestPassed});
            return;
        default: queue.push_answer({kSayAgain}); return;
    }
}

void Ps2Keyboard::parameter(uint8_t value) {
    const uint8_t command = state_.expecting;
    if (command >= kOneKeyFirst) {
        // A list of keys goes on until the next command.
        state_.queue.push_answer({kAck});
        return;
    }
    state_.expecting = 0;
    switch (command) {
        case kSetLeds: state_.leds = value & 7; break;
        case kTypematic: state_.typematic = value & 0x7f; break;
        case kScanSet:
            if (value == 0) {
                state_.queue.push_answer({kAck, static_cast<uint8_t>(state_.scan_set)});
                return;
            }
            if (value > 3) {
                state_.queue.push_answer({kSayAgain});
                return;
            }
            state_.scan_set = static_cast<ScanSet>(value);
            break;
        default: break;
    }
    state_.queue.push_answer({kAck});
}

void Ps2Keyboard::key(KeyNumber number, bool down) {
    if (!state_.scanning) return;
    state_.queue.push_report(scan_codes(state_.scan_set, number, down));
}

Result<void> Ps2Keyboard::validate(const State& state) {
    if (state.scan_set < ScanSet::kSet1 || state.scan_set > ScanSet::kSet3) {
        return fail("keyboard: no such scan code set {}", static_cast<unsigned>(state.scan_set));
    }
    if (state.expecting != 0 && !has_parameter(state.expecting)) {
        return fail("keyboard: command {:#x} has no parameter", unsigned{state.expecting});
    }
    if (!state.queue.valid()) {
        return fail("keyboard: {} bytes do not fit", unsigned{state.queue.count});
    }
    return {};
}

}  // namespace qc::hw
