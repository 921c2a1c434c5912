// SPDX-License-Identifier: GPL-2.0-or-later
//
// For tests: memory with pieces in it, all of it 'x' before.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "hw/i386/direct/boot_pieces.h"

namespace qc::hw {

class TestMemory {
 public:
    TestMemory(const std::vector<BootPiece>& pieces, size_t size) : memory_(size, std::byte{'x'}) {
        for (const BootPiece& piece : pieces) {
            const uint64_t end = piece.address + piece.bytes.size();
            EXPECT_LE(end + piece.zeros, size);
            if (end + piece.zeros > size) continue;
            std::ranges::copy(piece.bytes, at(piece.address));
            std::fill(at(end), at(end + piece.zeros), std::byte{});
        }
    }
    uint64_t number(uint64_t address, unsigned size) const {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value |= std::to_integer<uint64_t>(memory_.at(address + i)) << (8 * i);
        return value;
    }
    // Up to a zero.
    std::string text(uint64_t address) const {
        const auto* first = reinterpret_cast<const char*>(memory_.data()) + address;
        return {first, strnlen(first, memory_.size() - address)};
    }
    std::string text(uint64_t address, size_t size) const {
        return {reinterpret_cast<const char*>(memory_.data()) + address, size};
    }
    unsigned sum(uint64_t address, uint64_t size) const {
        unsigned sum = 0;
        for (uint64_t i = 0; i < size; ++i)
            sum += std::to_integer<unsigned>(memory_.at(address + i));
        return sum & 0xff;
    }
    // The first address at a multiple of 16 from `start` on that has this text, or 0.
    uint64_t find(uint64_t start, std::string_view wanted) const {
        for (uint64_t address = start; address + wanted.size() <= memory_.size(); address += 16) {
            if (text(address, wanted.size()) == wanted) return address;
        }
        return 0;
    }

 private:
    std::vector<std::byte>::iterator at(uint64_t address) {
        return memory_.begin() + static_cast<ptrdiff_t>(address);
    }
    std::vector<std::byte> memory_;
};

}  // namespace qc::hw
