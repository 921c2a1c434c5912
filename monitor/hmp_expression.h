// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a person may write for a number: C's literals, 'c', $register, parentheses and
// the operators + - ~ * / % & | ^. From loose to tight: + and -; & | ^; * / %; the signs.
// All is computed in 64 bits.
//
// Threading: plain functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "util/result.h"

namespace qc::monitor {

using RegisterValue = std::function<Result<int64_t>(std::string_view name)>;

// Takes an expression off the front of `text`, as far as it goes, and white space.
Result<int64_t> take_expression(std::string_view& text, const RegisterValue& registers);

}  // namespace qc::monitor
