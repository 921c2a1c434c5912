// SPDX-License-Identifier: GPL-2.0-or-later
//
// The text inside of JSON strings (RFC 8259, section 7) and UTF-8 (RFC 3629).
//
// Threading: plain functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.h"

namespace qc::qapi {

// Takes one code point from the front of `text`, which is not empty. Nothing, and
// one byte taken, if no well-formed sequence starts there.
std::optional<char32_t> take_utf8(std::string_view& text);
void append_utf8(std::string& out, char32_t code_point);

// What stands between the quotes, with its escapes resolved. Refuses malformed
// UTF-8, unpaired surrogates, unknown escapes and \u0000.
Result<std::string> decode_json_string(std::string_view raw);

// Appends `text` in double quotes, in ASCII: everything else is escaped; bytes
// that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace qc::qapi
