// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "util/little_endian.h"

namespace qc::monitor {

namespace {

constexpr uint32_t kMaxCount = 1u << 16;
constexpr size_t kBytesInLine = 16;

std::string show_character(uint8_t byte) {
    switch (byte) {
        case '\'': return "'\\''";
        case '\\': return "'\\\\'";
        case '\n': return "'\\n'";
        case '\r': return "'\\r'";
        default: break;
    }
    if (byte >= 32 && byte < 127) return fmt::format("'{}'", static_cast<char>(byte));
    return fmt::format("'\\x{:02x}'", byte);
}

int64_t sign_extended(uint64_t value, uint32_t size) {
    const unsigned unused = 64 - 8 * size;
    return static_cast<int64_t>(value << unused) >> unused;
}

// One unit in a column as wide as the largest.
std::string show_unit(char letter, uint32_t size, uint64_t value) {
    const unsigned bits = size * 8;
    switch (letter) {
        case 'o': return fmt::format("{:#0{}o}", value, (bits + 2) / 3 + 1);
        case 'd': return fmt::format("{:>{}}", sign_extended(value, size), (bits * 10 + 32) / 33);
        case 'u': return fmt::format("{:>{}}", value, (bits * 10 + 32) / 33);
        case 'c': return show_character(static_cast<uint8_t>(value));
        default: return fmt::format("0x{:0{}x}", value, bits / 4);
    }
}

}  // namespace

Result<HmpFormat> parse_hmp_format(std::string_view text) {
    HmpFormat format;
    size_t digits = 0;
    uint32_t count = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits)
        count = std::min(count * 10 + static_cast<uint32_t>(text[digits] - '0'), kMaxCount);
    if (digits > 0) format.count = count;
    for (const char c : text.substr(digits)) {
        switch (c) {
            case 'o':
            case 'd':
            case 'u':
            case 'x':
            case 'i':
            case 'c': format.letter = c; break;
            case 'b': format.size = 1; break;
            case 'h': format.size = 2; break;
            case 'w': format.size = 4; break;
            case 'g':
            case 'L': format.size = 8; break;
            default: return fail("invalid char in format: '{}'", c);
        }
    }
    return format;
}

std::string show_number(const HmpFormat& format, int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    switch (format.letter) {
        case 'o': return fmt::format("{:#o}", bits);
        case 'd': return fmt::format("{}", value);
        case 'u': return fmt::format("{}", bits);
        case 'c': return show_character(static_cast<uint8_t>(value));
        default: return fmt::format("{:#x}", bits);
    }
}

std::string dump_memory(const HmpFormat& format, uint64_t address, const HmpMemory& memory) {
    const uint32_t size = format.letter == 'c' ? 1 : format.size_or(4);
    const size_t in_line = kBytesInLine / size;
    std::string text;
    for (uint32_t done = 0; done < format.count;) {
        text += fmt::format("{:016x}:", address);
        std::array<std::byte, kBytesInLine> bytes{};
        const size_t units = std::min<size_t>(in_line, format.count - done);
        if (!memory(address, std::span(bytes).first(units * size))) {
            return text + " Cannot access memory\n";
        }
        for (size_t unit = 0; unit < units; ++unit) {
            text += ' ';
            text += show_unit(format.letter, size, get_le(bytes, unit * size, size));
        }
        text += '\n';
        address += units * size;
        done += static_cast<uint32_t>(units);
    }
    return text;
}

}  // namespace qc::monitor
