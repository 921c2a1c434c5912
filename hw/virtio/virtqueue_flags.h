// SPDX-License-Identifier: GPL-2.0-or-later
//
// Bits in descriptors and rings. Source: virtio 1.2, sections 2.7 and 2.8.
#pragma once

#include <cstdint>

namespace qc::hw::virtqueue {

inline constexpr uint16_t kNext = 1;
inline constexpr uint16_t kWrite = 2;
inline constexpr uint16_t kIndirect = 4;
inline constexpr uint16_t kAvailable = 1 << 7;
inline constexpr uint16_t kUsed = 1 << 15;

inline constexpr unsigned kDescriptorSize = 16;
inline constexpr uint64_t kMaxChainBytes = uint64_t{1} << 32;

// Split: flags of the available ring.
inline constexpr uint16_t kNoInterrupt = 1;

// Packed: flags of an event suppression structure.
inline constexpr uint16_t kEventsEnable = 0;
inline constexpr uint16_t kEventsDisable = 1;
inline constexpr uint16_t kEventsDescriptor = 2;

}  // namespace qc::hw::virtqueue
