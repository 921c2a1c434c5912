// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/ich9_tco_core.h"

#include <algorithm>

#include "hw/core/ticks.h"

namespace qc::hw {

namespace {

enum Register : unsigned {
    kReload = 0x00,
    kDataIn = 0x02,
    kDataOut = 0x03,
    kStatus1 = 0x04,
    kStatus2 = 0x06,
    kControl1 = 0x08,
    kControl2 = 0x0a,
    kMessage1 = 0x0c,
    kMessage2 = 0x0d,
    kWatchdogStatus = 0x0e,
    kSoftwareIrq = 0x10,
    kTimer = 0x12,
};

constexpr uint16_t kSoftwareSmi = 1u << 1;
constexpr uint16_t kInterrupt = 1u << 2;
constexpr uint16_t kTimeout = 1u << 3;
constexpr uint16_t kStatus1Bits = kSoftwareSmi | kInterrupt | kTimeout;

constexpr uint16_t kSecondTimeout = 1u << 1;
constexpr uint16_t kBootStatus = 1u << 2;
constexpr uint16_t kStatus2Bits = kSecondTimeout | kBootStatus;

constexpr uint16_t kHalt = 1u << 11;
constexpr uint16_t kLock = 1u << 12;
constexpr uint16_t kControl1Bits = kHalt | kLock | 1u << 9;
constexpr uint16_t kControl2Bits = 0x003e;
constexpr uint16_t kTimerBits = 0x03ff;
constexpr uint16_t kMinTimer = 2;
constexpr uint8_t kSoftwareIrqBits = 0x03;

uint8_t byte_of(uint16_t value, unsigned index) {
    return static_cast<uint8_t>(value >> (8 * index));
}

uint16_t with_byte(uint16_t value, unsigned index, uint8_t byte) {
    const unsigned shift = 8 * index;
    const unsigned cleared = value & ~(0xffu << shift);
    return static_cast<uint16_t>(cleared | static_cast<unsigned>(byte) << shift);
}

}  // namespace

bool Ich9TcoCore::runs() const {
    return state_.counting && (state_.control1 & kHalt) == 0;
}

uint16_t Ich9TcoCore::left(int64_t now_ns) const {
    if (!runs()) return state_.count;
    const int64_t ticks = std::max<int64_t>(now_ns - state_.since_ns, 0) / kTickNs;
    return static_cast<uint16_t>(std::max<int64_t>(state_.count - ticks, 0));
}

void Ich9TcoCore::reload(int64_t now_ns) {
    state_.counting = true;
    state_.expired = false;
    state_.count = std::max(state_.timer, kMinTimer);
    state_.since_ns = now_ns;
}

bool Ich9TcoCore::advance(int64_t now_ns) {
    // Two rounds at most: the second expiry stops the count.
    while (runs() && now_ns - state_.since_ns >= state_.count * kTickNs) {
        state_.since_ns += state_.count * kTickNs;
        state_.count = std::max(state_.timer, kMinTimer);
        if (!state_.expired) {
            state_.expired = true;
            state_.status1 |= kTimeout;
            continue;
        }
        state_.status2 |= kSecondTimeout | kBootStatus;
        state_.counting = false;
        return true;
    }
    return false;
}

std::optional<int64_t> Ich9TcoCore::next_expiry_ns() const {
    if (!runs()) return std::nullopt;
    return state_.since_ns + state_.count * kTickNs;
}

uint8_t Ich9TcoCore::read(unsigned offset, int64_t now_ns) const {
    const unsigned half = offset & 1;
    switch (offset) {
        case kReload:
        case kReload + 1: return byte_of(left(now_ns), half);
        case kDataIn: return state_.data[0];
        case kDataOut: return state_.data[1];
        case kStatus1:
        case kStatus1 + 1: return byte_of(state_.status1, half);
        case kStatus2:
        case kStatus2 + 1: return byte_of(state_.status2, half);
        case kControl1:
        case kControl1 + 1: return byte_of(state_.control1, half);
        case kControl2:
        case kControl2 + 1: return byte_of(state_.control2, half);
        case kMessage1: return state_.message[0];
        case kMessage2: return state_.message[1];
        case kWatchdogStatus: return state_.watchdog_status;
        case kSoftwareIrq: return state_.software_irq;
        case kTimer:
        case kTimer + 1: return byte_of(state_.timer, half);
        default: return 0;
    }
}

void Ich9TcoCore::write_control1(uint16_t value, int64_t now_ns) {
    const uint16_t before = left(now_ns);
    const bool ran = runs();
    // The lock stays until reset.
    state_.control1 = static_cast<uint16_t>((value & kControl1Bits) | (state_.control1 & kLock));
    if (runs() == ran) return;
    state_.count = std::max<uint16_t>(before, 1);
    state_.since_ns = now_ns;
}

void Ich9TcoCore::write(unsigned offset, uint8_t value, int64_t now_ns) {
    const unsigned half = offset & 1;
    switch (offset) {
        case kReload: reload(now_ns); return;
        case kDataIn:
            state_.data[0] = value;
            state_.status1 |= kSoftwareSmi;
            return;
        case kDataOut:
            state_.data[1] = value;
            state_.status1 |= kInterrupt;
            return;
        case kStatus1:
        case kStatus1 + 1:
            state_.status1 = static_cast<uint16_t>(state_.status1 & ~(value << (8 * half)));
            return;
        case kStatus2:
        case kStatus2 + 1:
            state_.status2 = static_cast<uint16_t>(state_.status2 & ~(value << (8 * half)));
            return;
        case kControl1:
        case kControl1 + 1: write_control1(with_byte(state_.control1, half, value), now_ns); return;
        case kControl2:
        case kControl2 + 1:
            state_.control2 = with_byte(state_.control2, half, value) & kControl2Bits;
            return;
        case kMessage1: state_.message[0] = value; return;
        case kMessage2: state_.message[1] = value; return;
        case kWatchdogStatus: state_.watchdog_status = value; return;
        case kSoftwareIrq: state_.software_irq = value & kSoftwareIrqBits; return;
        case kTimer:
        case kTimer + 1: state_.timer = with_byte(state_.timer, half, value) & kTimerBits; return;
        default: return;
    }
}

Result<void> Ich9TcoCore::validate(const Ich9TcoState& state) const {
    const bool bits =
        (state.status1 & ~kStatus1Bits) == 0 && (state.status2 & ~kStatus2Bits) == 0 &&
        (state.control1 & ~kControl1Bits) == 0 && (state.control2 & ~kControl2Bits) == 0 &&
        (state.timer & ~kTimerBits) == 0 && (state.software_irq & ~kSoftwareIrqBits) == 0;
    if (!bits) return fail("TCO registers have reserved bits");
    if (state.count > kTimerBits || !time_in_range(state.since_ns)) {
        return fail("TCO timer at {} since {} ns", state.count, state.since_ns);
    }
    return {};
}

}  // namespace qc::hw
