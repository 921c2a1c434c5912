// SPDX-License-Identifier: GPL-2.0-or-later
//
// The texts of `-device help`, `-device TYPE,help` and their like.
//
// Threading: pure functions.
#pragma once

#include <string>

#include "qom/object_type.h"

namespace qc::system {

// Every type that -device makes, by what it is for.
std::string device_list(const qom::TypeRegistry& types);
// What may be given at creation, by name.
std::string type_help(const qom::ObjectType& type);

}  // namespace qc::system
