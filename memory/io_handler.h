// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

namespace qc::memory {

// A device's registers as a bus sees them: memory-mapped or port I/O.
//
// Threading: called under the machine lock, from vCPU threads and from DMA.
class IoHandler {
 public:
    // Access sizes that read() and write() understand, in bytes. The bus splits
    // wider accesses into several at rising offsets, and serves narrower ones by
    // reading the containing unit (narrow writes are handed over as they are).
    struct Rules {
        uint8_t min_size = 1;
        uint8_t max_size = 4;
    };

    virtual ~IoHandler() = default;
    virtual std::string_view io_name() const = 0;
    virtual Rules io_rules() const { return {}; }
    // `offset` is relative to the region; `size` is 1, 2, 4 or 8; the value is in
    // the low bits, little-endian order.
    virtual uint64_t io_read(uint64_t offset, unsigned size) = 0;
    virtual void io_write(uint64_t offset, unsigned size, uint64_t value) = 0;
};

}  // namespace qc::memory
