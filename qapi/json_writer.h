// SPDX-License-Identifier: GPL-2.0-or-later
//
// JSON text of a value, in ASCII and spaced as QMP's clients know it: on one line,
// {"return": {}, "id": 1}, or for people's eyes with a line for each member.
//
// Threading: plain functions.
#pragma once

#include <cstdint>
#include <string>

#include "qapi/value.h"

namespace qc::qapi {

enum class JsonStyle : uint8_t { kOneLine, kPretty };

std::string to_json(const Value& value);
void append_json(std::string& out, const Value& value, JsonStyle style = JsonStyle::kOneLine);
void append_json(std::string& out, const Object& object, JsonStyle style = JsonStyle::kOneLine);

}  // namespace qc::qapi
