// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where the parts of a virtio function are. Source: virtio 1.2, section 4.1.4; BARs
// and offsets are QEMU's, read from its devices.
#pragma once

#include <cstdint>

namespace qc::hw::virtio_pci {

inline constexpr unsigned kLegacyBar = 0;
inline constexpr unsigned kMsixBar = 1;
inline constexpr unsigned kModernBar = 4;

// Capabilities in configuration space, and their types.
inline constexpr uint8_t kCommonCap = 0x40;
inline constexpr uint8_t kIsrCap = 0x50;
inline constexpr uint8_t kDeviceCap = 0x60;
inline constexpr uint8_t kNotifyCap = 0x70;
inline constexpr uint8_t kWindowCap = 0x84;
inline constexpr uint8_t kWindowData = kWindowCap + 16;
inline constexpr uint8_t kMsixCap = 0x98;
inline constexpr uint8_t kCommonType = 1;
inline constexpr uint8_t kNotifyType = 2;
inline constexpr uint8_t kIsrType = 3;
inline constexpr uint8_t kDeviceType = 4;
inline constexpr uint8_t kWindowType = 5;

// Structures in BAR 4.
inline constexpr uint32_t kStructureSize = 0x1000;
inline constexpr uint32_t kCommonOffset = 0x0000;
inline constexpr uint32_t kIsrOffset = 0x1000;
inline constexpr uint32_t kDeviceOffset = 0x2000;
inline constexpr uint32_t kNotifyOffset = 0x3000;
inline constexpr uint32_t kModernSize = 0x4000;
inline constexpr uint32_t kNotifyMultiplier = 4;

// The legacy registers before the device's configuration: with MSI-X enabled there
// are two vectors more.
inline constexpr uint32_t kLegacyHeader = 20;
inline constexpr uint32_t kLegacyWithVectors = 24;

// Interrupt status.
inline constexpr uint8_t kQueueCause = 1;
inline constexpr uint8_t kConfigCause = 2;

}  // namespace qc::hw::virtio_pci
