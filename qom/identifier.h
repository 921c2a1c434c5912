// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a user may call a device or an object.
//
// Threading: pure functions.
#pragma once

#include <string_view>

#include "util/result.h"

namespace qc::qom {

// "Parameter 'id' expects an identifier" for anything but letters, digits, '-', '.' and '_'
// that begin with a letter.
Result<void> check_identifier(std::string_view id);

}  // namespace qc::qom
