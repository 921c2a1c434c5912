// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the 440FX's PAM and SMRAM registers say about the addresses between 640
// KiB and 1 MiB. Source: Intel 82441FX datasheet, sections 3.2.18 and 3.2.19.
//
// Threading: plain functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace qc::hw {

inline constexpr uint8_t kPam0 = 0x59;
inline constexpr unsigned kPamRegisterCount = 7;
inline constexpr uint8_t kSmramControl = 0x72;

// Who answers in a segment. The fourth combination, writes to RAM and reads from
// PCI, is shown as kPci: writes then go nowhere, as under QEMU.
enum class PamTarget : uint8_t { kPci, kRamReadOnly, kRam };

struct PamSegment {
    uint32_t start;
    uint32_t size;
    PamTarget target;
};

inline constexpr unsigned kPamSegmentCount = 13;

// `pam` is the seven registers from 0x59 on.
std::array<PamSegment, kPamSegmentCount> decode_pam(
    std::span<const uint8_t, kPamRegisterCount> pam);

// True if 0xa0000-0xbffff is RAM for everybody: SMRAM enabled, open and not closed.
bool smram_open(uint8_t smram_control);

// What the register holds after a write: once locked, nothing but C_BASE_SEG and
// D_CLS changes until reset.
uint8_t smram_after_write(uint8_t before, uint8_t written);

}  // namespace qc::hw
