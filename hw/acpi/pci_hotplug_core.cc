// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/pci_hotplug_core.h"

namespace qc::hw {

namespace {

constexpr unsigned kUp = 0x00;
constexpr unsigned kDown = 0x04;
constexpr unsigned kEject = 0x08;
constexpr unsigned kCan = 0x0c;
constexpr unsigned kSelect = 0x10;

}  // namespace

void PciHotplugCore::forget(uint32_t slots) {
    state_.up &= ~slots;
    state_.down &= ~slots;
    state_.ejected &= ~slots;
}

void PciHotplugCore::reset() {
    state_.ejected |= state_.down;
    state_.up = 0;
    state_.down = 0;
    state_.selected = 0;
}

uint8_t PciHotplugCore::read(unsigned offset) {
    const unsigned shift = 8 * (offset % 4);
    const auto byte = [shift](uint32_t value) { return static_cast<uint8_t>(value >> shift); };
    const unsigned reg = offset & ~3u;
    if (reg == kSelect) return byte(state_.selected);
    if (state_.selected != 0) return 0;
    switch (reg) {
        case kUp: {
            const uint8_t up = byte(state_.up);
            state_.up &= ~(uint32_t{0xff} << shift);
            return up;
        }
        case kDown: return byte(state_.down);
        case kCan: return byte(kSlots);
        default: return 0;
    }
}

bool PciHotplugCore::write(unsigned offset, uint8_t value) {
    const unsigned shift = 8 * (offset % 4);
    const unsigned reg = offset & ~3u;
    if (reg == kSelect) {
        state_.selected = (state_.selected & ~(uint32_t{0xff} << shift)) | uint32_t{value} << shift;
    }
    if (reg != kEject || state_.selected != 0) return false;
    const uint32_t slots = uint32_t{value} << shift & kSlots;
    forget(slots);
    state_.ejected |= slots;
    return slots != 0;
}

Result<void> PciHotplugCore::validate(const PciHotplugState& state) const {
    if (((state.up | state.down | state.ejected) & ~kSlots) == 0) return {};
    return fail("PCI hot-plug of slots {:#x}", state.up | state.down | state.ejected);
}

}  // namespace qc::hw
