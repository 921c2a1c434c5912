// SPDX-License-Identifier: GPL-2.0-or-later
//
// Object types and the registry that knows them by name. A type is a constexpr
// object in the .cc file of the class that it describes; each room registers its
// types in one explicit function. How an object of a type is made is not said
// here: hw/core and system/ keep their own factories beside their types.
//
// Threading: types are constants; a registry is filled at start and only read
// afterwards.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "qom/property.h"
#include "util/result.h"

namespace qc::qom {

struct ObjectType {
    std::string_view name;
    const ObjectType* parent = nullptr;
    std::string_view description = {};
    bool abstract = false;
    std::span<const PropertyDef> properties = {};

    // True for the type itself and for each of its ancestors' names.
    bool is_a(std::string_view type_name) const;
    // In this type, then its ancestors; nullptr if there is none.
    const PropertyDef* find_property(std::string_view property) const;
};

inline constexpr ObjectType kObjectType{.name = "object", .abstract = true};
inline constexpr ObjectType kContainerType{.name = "container", .parent = &kObjectType};

// The properties of a type and its ancestors, ancestors' last.
std::vector<const PropertyDef*> all_properties(const ObjectType& type);

class TypeRegistry {
 public:
    TypeRegistry();

    // Each name once (asserted). Parents are registered along.
    void add(const ObjectType& type);

    const ObjectType* find(std::string_view name) const;
    // DeviceNotFound: "Device 'x' not found".
    Result<const ObjectType*> find_device(std::string_view name) const;
    const std::vector<const ObjectType*>& types() const { return types_; }

 private:
    std::vector<const ObjectType*> types_;
};

}  // namespace qc::qom
