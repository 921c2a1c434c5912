// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/input/ps2_mouse.h"

#include <cstdlib>

namespace qc::hw {

namespace {

enum Command : uint8_t {
    kScaling1To1 = 0xe6,
    kScaling2To1 = 0xe7,
    kSetResolution = 0xe8,
    kStatus = 0xe9,
    kStreamMode = 0xea,
    kReadData = 0xeb,
    kEndWrap = 0xec,
    kWrapMode = 0xee,
    kRemoteMode = 0xf0,
    kReadId = 0xf2,
    kSetSampleRate = 0xf3,
    kEnable = 0xf4,
    kDisable = 0xf5,
    kDefaults = 0xf6,
    kResend = 0xfe,
    kReset = 0xff,
};

constexpr uint8_t kAck = 0xfa;
constexpr uint8_t kTestPassed = 0xaa;
constexpr uint8_t kSayAgain = 0xfe;
constexpr uint8_t kWheelId = 3;
constexpr uint8_t kFiveButtonId = 4;

// A guest that takes no reports must not make the sums overflow.
constexpr int32_t kMaxMovement = 1 << 20;

int32_t accumulate(int32_t sum, int32_t step) {
    step = std::clamp(step, -kMaxMovement, kMaxMovement);
    return std::clamp(sum + step, -kMaxMovement, kMaxMovement);
}

// 2:1 scaling stretches quick movements.
int32_t scaled(int32_t movement) {
    constexpr std::array<int32_t, 6> kSmall = {0, 1, 1, 3, 6, 9};
    const int32_t size = std::abs(movement);
    const int32_t result = size < 6 ? kSmall[static_cast<size_t>(size)] : size * 2;
    return movement < 0 ? -result : result;
}

}  // namespace

void Ps2Mouse::write(uint8_t value) {
    if (state_.wrap && value != kEndWrap && value != kReset) {
        state_.queue.push_answer({value});
    } else if (state_.expecting != 0) {
        parameter(value);
    } else {
        command(value);
    }
}

void Ps2Mouse::command(uint8_t value) {
    Ps2Queue& queue = state_.queue;
    switch (value) {
        case kScaling1To1: state_.scaling = false; break;
        case kScaling2To1: state_.scaling = true; break;
        case kSetResolution:
        case kSetSampleRate: state_.expecting = value; break;
        case kStatus: {
            const uint8_t buttons = state_.buttons;
            const auto flags =
                static_cast<uint8_t>((state_.remote ? 0x40 : 0) | (state_.reporting ? 0x20 : 0) |
                                     (state_.scaling ? 0x10 : 0) | (buttons & 1 ? 4 : 0) |
                                     (buttons & 4 ? 2 : 0) | (buttons & 2 ? 1 : 0));
            queue.push_answer({kAck, flags, state_.resolution, state_.sample_rate});
            return;
        }
        case kStreamMode: state_.remote = false; break;
        case kRemoteMode: state_.remote = true; break;
        case kReadData: {
            const Report report = make_report(false);
            if (report.size == 4) {
                queue.push_answer(
                    {kAck, report.bytes[0], report.bytes[1], report.bytes[2], report.bytes[3]});
            } else {
                queue.push_answer({kAck, report.bytes[0], report.bytes[1], report.bytes[2]});
            }
            return;
        }
        case kEndWrap: state_.wrap = false; break;
        case kWrapMode: state_.wrap = true; break;
        case kReadId: queue.push_answer({kAck, state_.id}); return;
        case kEnable: state_.reporting = true; break;
        case kDisable:
            state_.reporting = false;
            queue.clear();
            break;
        case kDefaults:
            queue.clear();
            state_ = State{.id = state_.id, .buttons = state_.buttons};
            break;
        case kResend: queue.push_answer({queue.last_taken}); return;
        case kReset:
            state_ = State{.buttons = state_.buttons};
            state_.queue.push_answer({kAck, kTestPassed, 0x00});
            return;
        default: queue.push_answer({kSayAgain}); return;
    }
    state_.queue.push_answer({kAck});
}

void Ps2Mouse::parameter(uint8_t value) {
    if (state_.expecting == kSetResolution) {
        state_.resolution = value & 3;
    } else {
        set_sample_rate(value);
    }
    state_.expecting = 0;
    state_.queue.push_answer({kAck});
}

void Ps2Mouse::set_sample_rate(uint8_t rate) {
    if (state_.knocks[0] == 200 && rate == 80) {
        if (state_.knocks[1] == 100) state_.id = kWheelId;
        if (state_.knocks[1] == 200) state_.id = kFiveButtonId;
    }
    state_.knocks = {state_.knocks[1], rate};
    state_.sample_rate = rate;
}

Ps2Mouse::Report Ps2Mouse::make_report(bool scale) {
    // What does not fit into nine bits stays for the next report.
    auto take = [](int32_t& sum, int32_t limit) {
        const int32_t part = std::clamp(sum, -limit, limit);
        sum -= part;
        return part;
    };
    int32_t dx = take(state_.x, 127);
    int32_t dy = take(state_.y, 127);
    if (scale && state_.scaling) {
        dx = scaled(dx);
        dy = scaled(dy);
    }
    state_.reported_buttons = state_.buttons;
    Report report;
    report.bytes[0] = static_cast<uint8_t>(0x08 | (state_.buttons & 7) | (dx < 0 ? 0x10 : 0) |
                                           (dy < 0 ? 0x20 : 0));
    report.bytes[1] = static_cast<uint8_t>(dx);
    report.bytes[2] = static_cast<uint8_t>(dy);
    if (state_.id == 0) {
        state_.z = 0;
        return report;
    }
    const int32_t dz = take(state_.z, 7);
    report.bytes[3] = static_cast<uint8_t>(dz);
    if (state_.id == kFiveButtonId) {
        report.bytes[3] = static_cast<uint8_t>((dz & 0x0f) | (state_.buttons & 0x18) << 1);
    }
    report.size = 4;
    return report;
}

void Ps2Mouse::report_if_due() {
    if (!state_.reporting || state_.remote || state_.wrap) return;
    while (state_.x != 0 || state_.y != 0 || state_.z != 0 ||
           state_.buttons != state_.reported_buttons) {
        if (state_.queue.count + 4u > Ps2Queue::kReportLimit) return;
        const Report report = make_report(true);
        state_.queue.push_report(std::span(report.bytes).first(report.size));
    }
}

uint8_t Ps2Mouse::take() {
    const uint8_t value = state_.queue.take();
    if (state_.queue.empty()) report_if_due();
    return value;
}

void Ps2Mouse::move(int32_t dx, int32_t dy, int32_t dz) {
    state_.x = accumulate(state_.x, dx);
    state_.y = accumulate(state_.y, dy);
    state_.z = accumulate(state_.z, dz);
    report_if_due();
}

void Ps2Mouse::set_buttons(uint8_t buttons) {
    state_.buttons = buttons & 0x1f;
    report_if_due();
}

Result<void> Ps2Mouse::validate(const State& state) {
    if (state.id != 0 && state.id != kWheelId && state.id != kFiveButtonId) {
        return fail("mouse: no such device id {}", unsigned{state.id});
    }
    if (state.expecting != 0 && state.expecting != kSetResolution &&
        state.expecting != kSetSampleRate) {
        return fail("mouse: command {:#x} has no parameter", unsigned{state.expecting});
    }
    if (state.resolution > 3 || state.buttons > 0x1f || state.reported_buttons > 0x1f) {
        return fail("mouse: resolution or buttons are out of range");
    }
    for (int32_t sum : {state.x, state.y, state.z}) {
        if (sum < -kMaxMovement || sum > kMaxMovement) {
            return fail("mouse: movement {} is out of range", sum);
        }
    }
    if (!state.queue.valid())
        return fail("mouse: {} bytes do not fit", unsigned{state.queue.count});
    return {};
}

}  // namespace qc::hw
