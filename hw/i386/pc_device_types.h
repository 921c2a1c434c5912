// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ISA devices that `-device` can add to a PC, by type.
#pragma once

#include "qom/object_type.h"

namespace qc::hw {

extern const qom::ObjectType kIsaSerialType;
extern const qom::ObjectType kIsaDebugconType;
extern const qom::ObjectType kIsaDebugExitType;
extern const qom::ObjectType kPvpanicType;

}  // namespace qc::hw
