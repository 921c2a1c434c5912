// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/base64.h"

#include <cstdint>

namespace qc {

namespace {

// The value of a character, or -1.
int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

Result<std::string> decode_base64(std::string_view text) {
    std::string decoded;
    uint32_t bits = 0;
    size_t characters = 0;
    size_t padding = 0;
    for (char c : text) {
        if (is_space(c)) continue;
        ++characters;
        if (c == '=') {
            ++padding;
            continue;
        }
        const int value = base64_value(c);
        if (value < 0 || padding != 0) return fail("this is not base64");
        bits = (bits << 6) | static_cast<uint32_t>(value);
        const size_t have = characters % 4;
        if (have != 1) decoded += static_cast<char>(bits >> (have == 2 ? 4 : have == 3 ? 2 : 0));
    }
    if (characters % 4 != 0 || padding > 2) return fail("this is not base64");
    return decoded;
}

std::string encode_base64(std::span<const std::byte> data) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((data.size() + 2) / 3 * 4);
    for (size_t i = 0; i < data.size(); i += 3) {
        const std::span<const std::byte> group =
            data.subspan(i).first(data.size() - i < 3 ? data.size() - i : 3);
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; ++k)
            bits = bits << 8 | (k < group.size() ? std::to_integer<uint32_t>(group[k]) : 0);
        for (size_t k = 0; k < 4; ++k)
            text += k <= group.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

}  // namespace qc
