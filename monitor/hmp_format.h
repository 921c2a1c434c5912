// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the human monitor shows numbers and memory: "/8xb", as debuggers have it - how
// many, in what form, of what size.
//
// Threading: plain values and functions.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "util/result.h"

namespace qc::monitor {

struct HmpFormat {
    uint32_t count = 1;
    char letter = 'x';  // o octal, d signed, u unsigned, x hexadecimal, c character, i code
    uint32_t size = 0;  // in bytes; 0: nothing was said

    uint32_t size_or(uint32_t usual) const { return size == 0 ? usual : size; }
};

// What follows the slash.
Result<HmpFormat> parse_hmp_format(std::string_view text);

// "0x10", without padding; a character in quotes.
std::string show_number(const HmpFormat& format, int64_t value);

// Fills `data` with what is at the address; false if some of it is not there.
using HmpMemory = std::function<bool(uint64_t address, std::span<std::byte> data)>;

// Lines of 16 bytes, each with its address in front. Ends with a line that says so where
// memory cannot be read. For all letters but 'i'.
std::string dump_memory(const HmpFormat& format, uint64_t address, const HmpMemory& memory);

}  // namespace qc::monitor
