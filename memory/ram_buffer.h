// SPDX-License-Identifier: GPL-2.0-or-later
//
// A buffer that a guest described by addresses, found in RAM: for threads that carry
// data to and from it later, when they cannot look at the address space.
//
// Threading: add() by one thread, before others use it; read() and write() by any
// thread, like DMA. Value; the blocks outlive it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace qc::memory {

class RamBlock;

class RamBuffer {
 public:
    // The next `length` bytes are those from `offset` of `block`.
    void add(RamBlock& block, uint64_t offset, uint64_t length);
    uint64_t length() const { return length_; }

    // The range from `position` lies inside the buffer (asserted).
    void read(uint64_t position, std::span<std::byte> data) const;
    void write(uint64_t position, std::span<const std::byte> data) const;
    // Has `fill` write `length` bytes where they belong. Whatever it returns, they count
    // as written; that is the result.
    using Fill = std::function<bool(std::span<const iovec> buffers)>;
    bool fill(uint64_t position, uint64_t length, const Fill& fill) const;

 private:
    struct Part {
        RamBlock* block;
        uint64_t offset;
        uint64_t length;
    };
    template <typename Move>
    void for_parts(uint64_t position, uint64_t length, Move move) const;

    std::vector<Part> parts_;
    uint64_t length_ = 0;
};

}  // namespace qc::memory
