// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/isa/ich9_chipset_config.h"

namespace qc::hw {

namespace {

constexpr unsigned kFirstDevice = 25;
constexpr unsigned kPciBridgeDevice = 30;
constexpr unsigned kLastDevice = 31;
// Where D25IR to D31IR are.
constexpr uint32_t kRouteOffsets[] = {0x3150, 0x314c, 0x3148, 0x3146, 0x3144, 0x3142, 0x3140};
constexpr uint16_t kRouteReset = 0x3210;
constexpr uint16_t kRouteBits = 0x7777;

constexpr uint32_t kControl = 0x3410;
constexpr uint32_t kControlNoReboot = 1u << 5;
// NO_REBOOT, boot BIOS straps, alternate access mode, server error reporting.
constexpr uint32_t kControlBits = 0x00000cf6;

constexpr unsigned kPciBridgeRoute = kPciBridgeDevice - kFirstDevice;

}  // namespace

void Ich9ChipsetConfig::reset() {
    state_.routes.fill(kRouteReset);
    state_.routes[kPciBridgeRoute] = 0;
    state_.control = 0;
}

unsigned Ich9ChipsetConfig::pirq_of(unsigned device, unsigned pin) const {
    const unsigned index = (pin - 1) & 3;
    if (device < kFirstDevice || device > kLastDevice || device == kPciBridgeDevice) {
        // Not the chip's own: PIRQE# to PIRQH# in rotation.
        return 4 + ((device + index) & 3);
    }
    return state_.routes[device - kFirstDevice] >> (4 * index) & 7;
}

bool Ich9ChipsetConfig::no_reboot() const {
    return (state_.control & kControlNoReboot) != 0;
}

uint32_t Ich9ChipsetConfig::read(uint32_t offset, unsigned size) const {
    uint32_t value = 0;
    auto place = [&](uint32_t reg, unsigned bytes, uint32_t content) {
        for (unsigned i = 0; i < bytes; ++i) {
            const uint32_t at = reg + i - offset;
            if (at < size) value |= (content >> (8 * i) & 0xff) << (8 * at);
        }
    };
    for (unsigned i = 0; i < state_.routes.size(); ++i)
        place(kRouteOffsets[i], 2, state_.routes[i]);
    place(kControl, 4, state_.control);
    return value;
}

void Ich9ChipsetConfig::write(uint32_t offset, unsigned size, uint32_t value) {
    auto merged = [&](uint32_t reg, unsigned bytes, uint32_t content) {
        for (unsigned i = 0; i < bytes; ++i) {
            const uint32_t at = reg + i - offset;
            if (at >= size) continue;
            content = (content & ~(0xffu << (8 * i))) | (value >> (8 * at) & 0xff) << (8 * i);
        }
        return content;
    };
    for (unsigned i = 0; i < state_.routes.size(); ++i) {
        if (i == kPciBridgeRoute) continue;
        state_.routes[i] =
            static_cast<uint16_t>(merged(kRouteOffsets[i], 2, state_.routes[i]) & kRouteBits);
    }
    state_.control = merged(kControl, 4, state_.control) & kControlBits;
}

Result<void> Ich9ChipsetConfig::validate(const Ich9ChipsetConfigState& state) const {
    for (unsigned i = 0; i < state.routes.size(); ++i) {
        if ((state.routes[i] & ~kRouteBits) != 0 ||
            (i == kPciBridgeRoute && state.routes[i] != 0)) {
            return fail("D{}IR {:#x}", kFirstDevice + i, state.routes[i]);
        }
    }
    if ((state.control & ~kControlBits) != 0) return fail("GCS {:#x}", state.control);
    return {};
}

}  // namespace qc::hw
