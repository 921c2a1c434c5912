// SPDX-License-Identifier: GPL-2.0-or-later
//
// JSON text of a value, on one line and in ASCII, spaced as QMP's clients know
// it: {"return": {}, "id": 1}
//
// Threading: plain functions.
#pragma once

#include <string>

#include "qapi/value.h"

namespace qc::qapi {

std::string to_json(const Value& value);
void append_json(std::string& out, const Value& value);
void append_json(std::string& out, const Object& object);

}  // namespace qc::qapi
