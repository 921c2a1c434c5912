// SPDX-License-Identifier: GPL-2.0-or-later
//
// An ELF executable for x86, 32 or 64 bits, taken apart into what is loaded where.
// Source: "System V Application Binary Interface", chapters 4 and 5.
//
// Threading: pure functions on plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc::hw {

struct ElfSegment {
    uint64_t address = 0;  // physical
    uint64_t virtual_address = 0;
    std::span<const std::byte> bytes;
    uint64_t memory_size = 0;  // zeros behind the bytes
};

struct ElfNote {
    std::string_view owner;
    uint32_t type = 0;
    std::span<const std::byte> contents;
};

struct ElfImage {
    // In ascending order of their addresses; none is empty, none reaches into another.
    std::vector<ElfSegment> segments;
    std::vector<ElfNote> notes;
    uint64_t entry = 0;  // physical

    const ElfNote* find_note(std::string_view owner, uint32_t type) const;
};

bool is_elf(std::span<const std::byte> file);

// Refers to `file`, which is not trusted. An error says what is wrong with it.
Result<ElfImage> parse_elf(std::span<const std::byte> file);

}  // namespace qc::hw
