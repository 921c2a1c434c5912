// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/ram_buffer.h"

#include <algorithm>
#include <cstring>

#include "memory/ram_block.h"
#include "util/assert.h"
#include "util/checked.h"

namespace qc::memory {

void RamBuffer::add(RamBlock& block, uint64_t offset, uint64_t length) {
    QC_ASSERT(range_fits(offset, length, block.size()));
    parts_.push_back({&block, offset, length});
    length_ += length;
}

// Calls move(block, offset in it, position in the data, bytes) for each part.
template <typename Move>
void RamBuffer::for_parts(uint64_t position, uint64_t length, Move move) const {
    QC_ASSERT(range_fits(position, length, length_));
    uint64_t done = 0;
    for (const Part& part : parts_) {
        if (done == length) return;
        if (position >= part.length) {
            position -= part.length;
            continue;
        }
        const uint64_t bytes = std::min(part.length - position, length - done);
        move(*part.block, part.offset + position, done, bytes);
        done += bytes;
        position = 0;
    }
}

void RamBuffer::read(uint64_t position, std::span<std::byte> data) const {
    for_parts(position, data.size(),
              [&](RamBlock& block, uint64_t offset, uint64_t at, uint64_t bytes) {
                  std::memcpy(data.data() + at, block.host() + offset, bytes);
              });
}

void RamBuffer::write(uint64_t position, std::span<const std::byte> data) const {
    for_parts(position, data.size(),
              [&](RamBlock& block, uint64_t offset, uint64_t at, uint64_t bytes) {
                  block.write(offset, data.subspan(at, bytes));
              });
}

bool RamBuffer::fill(uint64_t position, uint64_t length, const Fill& fill) const {
    std::vector<iovec> buffers;
    for_parts(position, length, [&](RamBlock& block, uint64_t offset, uint64_t, uint64_t bytes) {
        block.before_write(offset, bytes);
        buffers.push_back({block.host() + offset, bytes});
    });
    const bool filled = fill(buffers);
    for_parts(position, length, [](RamBlock& block, uint64_t offset, uint64_t, uint64_t bytes) {
        block.note_write(offset, bytes);
    });
    return filled;
}

}  // namespace qc::memory
