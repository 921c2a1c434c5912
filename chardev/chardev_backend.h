// SPDX-License-Identifier: GPL-2.0-or-later
//
// What chardev-add and chardev-change say, as a configuration.
//
// Threading: plain values.
#pragma once

#include <string>

#include "chardev/chardev_config.h"
#include "qapi/generated/qapi_types_char.h"
#include "util/unique_fd.h"

namespace qc::chardev {

struct RequestedChardev {
    ChardevConfig config;
    // The configuration names the descriptor of a socket by this name, as getfd gave
    // it, if it is not empty; the caller puts its number in.
    std::string passed_fd;
};

Result<RequestedChardev> chardev_from(std::string id, const qapi::ChardevBackend& backend);

}  // namespace qc::chardev
