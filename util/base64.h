// SPDX-License-Identifier: GPL-2.0-or-later
//
// Base64, RFC 4648, section 4.
//
// Threading: plain functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "util/result.h"

namespace qc {

// White space between the characters is skipped.
Result<std::string> decode_base64(std::string_view text);

std::string encode_base64(std::span<const std::byte> data);

}  // namespace qc
