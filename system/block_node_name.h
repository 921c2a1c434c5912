// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the medium of a drive is called where clients want a node of a block graph.
//
// Threading: a plain function.
#pragma once

#include <fmt/core.h>

#include <string>

namespace qc::system {

// `drive`: its place in the table of drives.
inline std::string block_node_name(size_t drive) {
    return fmt::format("#block{:03}", drive);
}

}  // namespace qc::system
