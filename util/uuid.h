// SPDX-License-Identifier: GPL-2.0-or-later
//
// A universally unique identifier in the byte order of its text (RFC 9562,
// section 4).
//
// Threading: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "util/result.h"

namespace qc {

struct Uuid {
    std::array<uint8_t, 16> bytes{};
    bool operator==(const Uuid&) const = default;
};

// 8-4-4-4-12 hexadecimal digits.
Result<Uuid> parse_uuid(std::string_view text);
std::string to_string(const Uuid& uuid);

}  // namespace qc
