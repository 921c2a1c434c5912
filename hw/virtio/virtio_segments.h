// SPDX-License-Identifier: GPL-2.0-or-later
//
// The buffers of a chain as one stream of bytes, however the driver cut it.
//
// Threading: machine lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hw/virtio/virtqueue.h"

namespace qc::hw {

// False if the stream ends first, or some buffer is not in RAM.
bool gather(const VirtioMemory& memory, std::span<const VirtioSegment> segments, uint64_t offset,
            std::span<std::byte> data);
bool scatter(VirtioMemory& memory, std::span<const VirtioSegment> segments, uint64_t offset,
             std::span<const std::byte> data);
// `bytes` from `offset` on, for threads without the machine lock.
bool locate(const VirtioMemory& memory, std::span<const VirtioSegment> segments, uint64_t offset,
            uint64_t bytes, bool to_write, memory::RamBuffer& buffer);

}  // namespace qc::hw
