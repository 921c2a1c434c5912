// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_segments.h"

#include <algorithm>

namespace qc::hw {

namespace {

// Calls move(address, position in the data, bytes) for each part; false ends it.
template <typename Move>
bool for_parts(std::span<const VirtioSegment> segments, uint64_t offset, uint64_t total,
               Move move) {
    uint64_t done = 0;
    for (const VirtioSegment& segment : segments) {
        if (done == total) break;
        if (offset >= segment.length) {
            offset -= segment.length;
            continue;
        }
        const uint64_t bytes = std::min(segment.length - offset, total - done);
        // Past the end of all addresses there is no RAM.
        if (segment.address > ~uint64_t{0} - segment.length) return false;
        if (!move(segment.address + offset, done, bytes)) return false;
        done += bytes;
        offset = 0;
    }
    return done == total;
}

}  // namespace

bool gather(const VirtioMemory& memory, std::span<const VirtioSegment> segments, uint64_t offset,
            std::span<std::byte> data) {
    return for_parts(segments, offset, data.size(),
                     [&](uint64_t address, uint64_t at, uint64_t bytes) {
                         return memory.read(address, data.subspan(at, bytes));
                     });
}

bool locate(const VirtioMemory& memory, std::span<const VirtioSegment> segments, uint64_t offset,
            uint64_t bytes, bool to_write, memory::RamBuffer& buffer) {
    return for_parts(segments, offset, bytes, [&](uint64_t address, uint64_t, uint64_t part) {
        return memory.locate(address, part, to_write, buffer);
    });
}

bool scatter(VirtioMemory& memory, std::span<const VirtioSegment> segments, uint64_t offset,
             std::span<const std::byte> data) {
    return for_parts(segments, offset, data.size(),
                     [&](uint64_t address, uint64_t at, uint64_t bytes) {
                         return memory.write(address, data.subspan(at, bytes));
                     });
}

}  // namespace qc::hw
