// SPDX-License-Identifier: GPL-2.0-or-later
//
// A JSON value, and whether a schema allows it where it is meant for.
//
// Threading: a plain value.
#pragma once

#include <nlohmann/json.hpp>

namespace qc::qtest {

struct ArgumentVariation {
    nlohmann::json value;
    bool valid;
};

}  // namespace qc::qtest
