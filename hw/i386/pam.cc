// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pam.h"

namespace qc::hw {

namespace {

constexpr uint8_t kReadEnable = 0x1;
constexpr uint8_t kWriteEnable = 0x2;

constexpr uint8_t kSmramOpen = 0x40;
constexpr uint8_t kSmramClosed = 0x20;
constexpr uint8_t kSmramLock = 0x10;
constexpr uint8_t kSmramEnable = 0x08;

PamTarget target_of(unsigned attributes) {
    if ((attributes & kReadEnable) == 0) return PamTarget::kPci;
    return (attributes & kWriteEnable) != 0 ? PamTarget::kRam : PamTarget::kRamReadOnly;
}

}  // namespace

std::array<PamSegment, kPamSegmentCount> decode_pam(
    std::span<const uint8_t, kPamRegisterCount> pam) {
    std::array<PamSegment, kPamSegmentCount> segments{};
    // The upper half of the first register is the BIOS area; its lower half is reserved.
    segments[0] = {0xf0000, 0x10000, target_of(pam[0] >> 4)};
    for (unsigned i = 0; i < kPamSegmentCount - 1; ++i) {
        unsigned attributes = pam[1 + i / 2] >> (i % 2 != 0 ? 4 : 0);
        segments[1 + i] = {0xc0000 + i * 0x4000, 0x4000, target_of(attributes)};
    }
    return segments;
}

bool smram_open(uint8_t smram_control) {
    return (smram_control & (kSmramOpen | kSmramClosed | kSmramEnable)) ==
           (kSmramOpen | kSmramEnable);
}

uint8_t smram_after_write(uint8_t before, uint8_t written) {
    if ((before & kSmramLock) != 0) {
        return static_cast<uint8_t>((before & ~kSmramClosed) | (written & kSmramClosed));
    }
    auto after = static_cast<uint8_t>((written & 0x78) | 0x02);
    if ((after & kSmramLock) != 0) after = static_cast<uint8_t>(after & ~kSmramOpen);
    return after;
}

}  // namespace qc::hw
