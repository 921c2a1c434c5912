// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/json_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

namespace qc::qapi {

namespace {

constexpr char32_t kReplacement = 0xfffd;

constexpr bool is_high_surrogate(char32_t c) {
    return c >= 0xd800 && c <= 0xdbff;
}
constexpr bool is_low_surrogate(char32_t c) {
    return c >= 0xdc00 && c <= 0xdfff;
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

// Four hex digits.
std::optional<char32_t> take_code_unit(std::string_view& text) {
    if (text.size() < 4) return std::nullopt;
    char32_t unit = 0;
    for (char c : text.substr(0, 4)) {
        const std::optional<unsigned> digit = hex_digit(c);
        if (!digit) return std::nullopt;
        unit = unit * 16 + *digit;
    }
    text.remove_prefix(4);
    return unit;
}

// Behind "\u".
Result<char32_t> take_unicode_escape(std::string_view& text) {
    const std::optional<char32_t> unit = take_code_unit(text);
    if (!unit) return fail("invalid hex escape in string");
    if (*unit == 0) return fail("\\u0000 is not supported in string");
    if (is_low_surrogate(*unit)) return fail("unpaired surrogate in string");
    if (!is_high_surrogate(*unit)) return *unit;
    if (!text.starts_with("\\u")) return fail("unpaired surrogate in string");
    text.remove_prefix(2);
    const std::optional<char32_t> low = take_code_unit(text);
    if (!low || !is_low_surrogate(*low)) return fail("unpaired surrogate in string");
    return 0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00);
}

// Behind the backslash.
Result<char32_t> take_escape(std::string_view& text) {
    if (text.empty()) return fail("invalid escape sequence in string");
    const char escape = text.front();
    text.remove_prefix(1);
    switch (escape) {
        case '"':
        case '\'':
        case '\\':
        case '/': return escape;
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'u': return take_unicode_escape(text);
        default: return fail("invalid escape sequence '\\{}' in string", escape);
    }
}

// Stands for itself in a string.
constexpr bool is_plain(char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void append_escaped_unit(std::string& out, char32_t unit) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<uint32_t>(unit));
}

void append_escaped(std::string& out, char32_t c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    if (c < 0x10000) {
        append_escaped_unit(out, c);
    } else {
        append_escaped_unit(out, 0xd800 + ((c - 0x10000) >> 10));
        append_escaped_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
}

}  // namespace

std::optional<char32_t> take_utf8(std::string_view& text) {
    const auto first = static_cast<uint8_t>(text.front());
    const std::string_view rest = text.substr(1);
    text.remove_prefix(1);
    if (first < 0x80) return first;

    // The smallest code point of each length: anything below is overlong.
    size_t count = 0;
    char32_t minimum = 0;
    char32_t value = 0;
    if ((first & 0xe0) == 0xc0) {
        count = 1, minimum = 0x80, value = first & 0x1f;
    } else if ((first & 0xf0) == 0xe0) {
        count = 2, minimum = 0x800, value = first & 0x0f;
    } else if ((first & 0xf8) == 0xf0) {
        count = 3, minimum = 0x10000, value = first & 0x07;
    } else {
        return std::nullopt;
    }
    if (rest.size() < count) return std::nullopt;
    for (char c : rest.substr(0, count)) {
        const auto byte = static_cast<uint8_t>(c);
        if ((byte & 0xc0) != 0x80) return std::nullopt;
        value = value << 6 | (byte & 0x3f);
    }
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < minimum || value > 0x10ffff || surrogate) return std::nullopt;
    text.remove_prefix(count);
    return value;
}

void append_utf8(std::string& out, char32_t c) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3f)); };
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0 | c >> 6);
        tail(0);
    } else if (c < 0x10000) {
        out += static_cast<char>(0xe0 | c >> 12);
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xf0 | c >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

Result<std::string> decode_json_string(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    while (!raw.empty()) {
        if (raw.front() == '\\') {
            raw.remove_prefix(1);
            append_utf8(out, TRY(take_escape(raw)));
            continue;
        }
        const std::optional<char32_t> c = take_utf8(raw);
        if (!c) return fail("invalid UTF-8 sequence in string");
        append_utf8(out, *c);
    }
    return out;
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const auto special = std::ranges::find_if_not(text, is_plain);
        const auto count = static_cast<size_t>(special - text.begin());
        out += text.substr(0, count);
        text.remove_prefix(count);
        if (!text.empty()) append_escaped(out, take_utf8(text).value_or(kReplacement));
    }
    out += '"';
}

}  // namespace qc::qapi
