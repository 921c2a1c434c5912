// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ancestors of all types of devices: by the bus on which they are.
#pragma once

#include "qom/object_type.h"

namespace qc::hw {

// What is told of every device, and never given.
inline constexpr qom::PropertyDef kDeviceProperties[] = {
    {.name = "parent_bus", .access = qom::PropertyAccess::kReadOnly, .type_name = "link<bus>"},
    {.name = "realized",
     .kind = qom::PropertyKind::kBool,
     .access = qom::PropertyAccess::kReadOnly},
    {.name = "hotplugged",
     .kind = qom::PropertyKind::kBool,
     .access = qom::PropertyAccess::kReadOnly},
    {.name = "hotpluggable",
     .kind = qom::PropertyKind::kBool,
     .access = qom::PropertyAccess::kReadOnly},
};
inline constexpr qom::ObjectType kDeviceType{.name = "device",
                                             .parent = &qom::kObjectType,
                                             .description = {},
                                             .abstract = true,
                                             .properties = kDeviceProperties};

inline constexpr qom::PropertyDef kPciDeviceProperties[] = {
    {.name = "addr",
     .kind = qom::PropertyKind::kPciAddress,
     .description = "slot and optional function number: 06.0 or 06",
     .default_value = -1},
};
inline constexpr qom::ObjectType kPciDeviceType{.name = "pci-device",
                                                .parent = &kDeviceType,
                                                .description = {},
                                                .abstract = true,
                                                .properties = kPciDeviceProperties};
inline constexpr qom::ObjectType kIsaDeviceType{
    .name = "isa-device", .parent = &kDeviceType, .description = {}, .abstract = true};
inline constexpr qom::ObjectType kIdeDeviceType{
    .name = "ide-device", .parent = &kDeviceType, .description = {}, .abstract = true};
// Chips that are on no bus of these.
inline constexpr qom::ObjectType kSystemDeviceType{
    .name = "sys-bus-device", .parent = &kDeviceType, .description = {}, .abstract = true};

}  // namespace qc::hw
