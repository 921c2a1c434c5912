// SPDX-License-Identifier: GPL-2.0-or-later
//
// qom-list and its relatives (qapi/qom.json).
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_qom.h"
#include "qom/object_tree.h"
#include "qom/object_type.h"

namespace qc::qapi {

namespace {

Result<qom::Object*> resolve(monitor::MonitorContext& context, const std::string& path) {
    if (context.objects == nullptr) return fail("There is no machine");
    return context.objects->resolve(path);
}

Result<const qom::TypeRegistry*> types_of(monitor::MonitorContext& context) {
    if (context.types == nullptr) return fail("There is no machine");
    return context.types;
}

ObjectPropertyInfo describe(const qom::PropertyDef& def) {
    ObjectPropertyInfo info{.name = std::string(def.name), .type = std::string(type_name_of(def))};
    if (!def.description.empty()) info.description = def.description;
    if (!def.default_value.empty()) info.default_value = def.default_value.value();
    return info;
}

}  // namespace

Result<std::vector<ObjectPropertyInfo>> qmp_qom_list(monitor::MonitorContext& context,
                                                     const QomListArgs& args) {
    const qom::Object* object = TRY(resolve(context, args.path));
    std::vector<ObjectPropertyInfo> result;
    for (qom::Object::PropertyInfo& info : object->list_properties()) {
        result.push_back({.name = std::move(info.name), .type = std::move(info.type)});
    }
    return result;
}

Result<Value> qmp_qom_get(monitor::MonitorContext& context, const QomGetArgs& args) {
    const qom::Object* object = TRY(resolve(context, args.path));
    return object->get_property(args.property);
}

Result<void> qmp_qom_set(monitor::MonitorContext& context, const QomSetArgs& args) {
    qom::Object* object = TRY(resolve(context, args.path));
    return object->set_property(args.property, args.value);
}

Result<std::vector<ObjectTypeInfo>> qmp_qom_list_types(monitor::MonitorContext& context,
                                                       const QomListTypesArgs& args) {
    const qom::TypeRegistry* registry = TRY(types_of(context));
    std::vector<ObjectTypeInfo> result;
    for (const qom::ObjectType* type : registry->types()) {
        if (args.implements && !type->is_a(*args.implements)) continue;
        if (type->abstract && !args.abstract.value_or(false)) continue;
        ObjectTypeInfo info{.name = std::string(type->name)};
        if (type->abstract) info.abstract = true;
        if (type->parent != nullptr) info.parent = type->parent->name;
        result.push_back(std::move(info));
    }
    return result;
}

Result<std::vector<ObjectPropertyInfo>> qmp_qom_list_properties(monitor::MonitorContext& context,
                                                                const QomListPropertiesArgs& args) {
    const qom::ObjectType* type = TRY(types_of(context))->find(args.typename_);
    if (type == nullptr) {
        return fail_class(ErrorClass::kDeviceNotFound, "Class '{}' not found", args.typename_);
    }
    std::vector<ObjectPropertyInfo> result{{.name = "type", .type = "string"}};
    for (const qom::PropertyDef* def : qom::all_properties(*type))
        result.push_back(describe(*def));
    return result;
}

Result<std::vector<ObjectPropertyInfo>> qmp_device_list_properties(
    monitor::MonitorContext& context, const DeviceListPropertiesArgs& args) {
    const qom::TypeRegistry* registry = TRY(types_of(context));
    const qom::ObjectType* type = TRY(registry->find_device(args.typename_));
    if (!type->is_a("device") || type->abstract) {
        return fail("Parameter 'typename' expects a non-abstract device type");
    }
    std::vector<ObjectPropertyInfo> result;
    for (const qom::PropertyDef* def : qom::all_properties(*type)) {
        if (def->access != qom::PropertyAccess::kReadOnly) result.push_back(describe(*def));
    }
    return result;
}

}  // namespace qc::qapi
