// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/object_type.h"

#include <algorithm>

#include "util/assert.h"

namespace qc::qom {

bool ObjectType::is_a(std::string_view type_name) const {
    for (const ObjectType* type = this; type != nullptr; type = type->parent) {
        if (type->name == type_name) return true;
    }
    return false;
}

const PropertyDef* ObjectType::find_property(std::string_view property) const {
    for (const ObjectType* type = this; type != nullptr; type = type->parent) {
        const auto found = std::ranges::find(type->properties, property, &PropertyDef::name);
        if (found != type->properties.end()) return &*found;
    }
    return nullptr;
}

std::vector<const PropertyDef*> all_properties(const ObjectType& type) {
    std::vector<const PropertyDef*> result;
    for (const ObjectType* t = &type; t != nullptr; t = t->parent) {
        for (const PropertyDef& def : t->properties) {
            // A type may redeclare an ancestor's property, for another default.
            const bool shadowed = std::ranges::any_of(
                result, [&](const PropertyDef* known) { return known->name == def.name; });
            if (!shadowed) result.push_back(&def);
        }
    }
    return result;
}

TypeRegistry::TypeRegistry() {
    add(kObjectType);
    add(kContainerType);
}

void TypeRegistry::add(const ObjectType& type) {
    const ObjectType* known = find(type.name);
    QC_ASSERT(known == nullptr || known == &type);
    if (known != nullptr) return;
    if (type.parent != nullptr) add(*type.parent);
    types_.push_back(&type);
}

const ObjectType* TypeRegistry::find(std::string_view name) const {
    const auto found = std::ranges::find(types_, name, &ObjectType::name);
    return found == types_.end() ? nullptr : *found;
}

Result<const ObjectType*> TypeRegistry::find_device(std::string_view name) const {
    if (const ObjectType* type = find(name)) return type;
    return fail_class(ErrorClass::kDeviceNotFound, "Device '{}' not found", name);
}

}  // namespace qc::qom
