// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a condition's number in an opcode to a handler compiled for it.
//
// Threading: pure functions.
#pragma once

#include <array>
#include <utility>

#include "accel/tcg/op.h"

namespace qc::accel::tcg {

// Calls `choose.template operator()<N>()` with N = `number`, 0 to 15.
template <typename Choose>
Handler by_condition(unsigned number, Choose choose) {
    return [&]<unsigned... kNumbers>(std::integer_sequence<unsigned, kNumbers...>) {
        std::array<Handler, 16> handlers = { choose.template operator()<kNumbers>()... };
        return handlers[number % 16];
    }(std::make_integer_sequence<unsigned, 16>());
}

}  // namespace qc::accel::tcg
