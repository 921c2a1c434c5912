// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/uuid.h"

#include <charconv>

namespace qc {

namespace {

constexpr size_t kTextLength = 36;

// Dashes stand in front of these bytes.
constexpr bool dash_before(size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

}  // namespace

Result<Uuid> parse_uuid(std::string_view text) {
    auto bad = [&] { return fail("'{}' is not a UUID (8-4-4-4-12 hexadecimal digits)", text); };
    if (text.size() != kTextLength) return bad();
    Uuid uuid;
    const char* at = text.data();
    for (size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (dash_before(i) && *at++ != '-') return bad();
        auto [end, error] = std::from_chars(at, at + 2, uuid.bytes[i], 16);
        if (error != std::errc() || end != at + 2) return bad();
        at = end;
    }
    return uuid;
}

std::string to_string(const Uuid& uuid) {
    std::string text;
    for (size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (dash_before(i)) text += '-';
        text += fmt::format("{:02x}", uuid.bytes[i]);
    }
    return text;
}

}  // namespace qc
