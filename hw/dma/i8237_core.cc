// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/dma/i8237_core.h"

#include <utility>

namespace qc::hw {

namespace {

// Registers above the channels' addresses and counts.
enum Register : unsigned {
    kCommandStatus = 8,
    kRequest = 9,
    kSingleMask = 10,
    kMode = 11,
    kClearFlipFlop = 12,
    kMasterClear = 13,  // read: the temporary register
    kClearMask = 14,
    kAllMask = 15,
};

constexpr uint8_t kSetBit = 0x04;  // of the request and single-mask commands
constexpr uint8_t kModeBits = 0xfc;

uint8_t with_bit(uint8_t bits, uint8_t command) {
    auto bit = static_cast<uint8_t>(1u << (command & 3));
    return static_cast<uint8_t>((command & kSetBit) != 0 ? bits | bit : bits & ~bit);
}

}  // namespace

uint8_t I8237Core::read_half(uint16_t value) {
    bool high = std::exchange(state_.high_byte, !state_.high_byte);
    return static_cast<uint8_t>(high ? value >> 8 : value);
}

void I8237Core::write_half(uint16_t& base, uint16_t& current, uint8_t value) {
    bool high = std::exchange(state_.high_byte, !state_.high_byte);
    base = static_cast<uint16_t>(high ? (base & 0x00ff) | value << 8 : (base & 0xff00) | value);
    current = base;
}

uint8_t I8237Core::read(unsigned reg) {
    if (reg < kCommandStatus) {
        const Channel& channel = state_.channels[reg / 2];
        return read_half(reg % 2 == 0 ? channel.address : channel.count);
    }
    switch (reg) {
        case kCommandStatus: return std::exchange(state_.status, uint8_t{0});
        case kAllMask: return static_cast<uint8_t>(0xf0 | state_.mask);
        // The temporary register holds memory-to-memory data, of which there is none;
        // the others cannot be read.
        default: return 0;
    }
}

void I8237Core::write(unsigned reg, uint8_t value) {
    if (reg < kCommandStatus) {
        Channel& channel = state_.channels[reg / 2];
        if (reg % 2 == 0) {
            write_half(channel.base_address, channel.address, value);
        } else {
            write_half(channel.base_count, channel.count, value);
        }
        return;
    }
    switch (reg) {
        case kCommandStatus: state_.command = value; return;
        case kRequest: state_.request = with_bit(state_.request, value); return;
        case kSingleMask: state_.mask = with_bit(state_.mask, value); return;
        case kMode: state_.channels[value & 3].mode = value & kModeBits; return;
        case kClearFlipFlop: state_.high_byte = false; return;
        case kMasterClear: master_clear(); return;
        case kClearMask: state_.mask = 0; return;
        case kAllMask: state_.mask = value & 0x0f; return;
        default: return;
    }
}

void I8237Core::master_clear() {
    state_.command = 0;
    state_.status = 0;
    state_.request = 0;
    state_.mask = 0x0f;
    state_.high_byte = false;
}

Result<void> I8237Core::validate(const State& state) {
    if (state.status > 0x0f) return fail("DMA status {:#x}", state.status);
    if (state.request > 0x0f) return fail("DMA request {:#x}", state.request);
    if (state.mask > 0x0f) return fail("DMA mask {:#x}", state.mask);
    for (const Channel& channel : state.channels) {
        if ((channel.mode & ~kModeBits) != 0) return fail("DMA mode {:#x}", channel.mode);
    }
    return {};
}

}  // namespace qc::hw
