// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qom/object_type.h"

namespace qc::hw {

// The ancestor of every type that `-device` can name.
inline constexpr qom::ObjectType kDeviceType{
    .name = "device", .parent = &qom::kObjectType, .description = {}, .abstract = true};

}  // namespace qc::hw
