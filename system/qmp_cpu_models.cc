// SPDX-License-Identifier: GPL-2.0-or-later
//
// What QMP asks about the models of processors.
#include <variant>

#include "monitor/context.h"
#include "qapi/generated/qapi_commands_machine.h"
#include "system/machine.h"
#include "target/i386/cpu_catalog.h"

namespace qc::qapi {

namespace {

Failure wrong_type(std::string_view name, std::string_view expected) {
    return fail("Invalid parameter type for '{}', expected: {}", name, expected);
}

// A property's value as -cpu would have it.
Result<std::string> written(std::string_view name, std::string_view key, const Value& value) {
    using Kind = i386::CpuProperty::Kind;
    const i386::CpuProperty* property = i386::find_cpu_property(key);
    Kind kind = property == nullptr ? Kind::kBool : property->kind;
    if (property == nullptr && i386::find_feature(key) == nullptr)
        return std::string("on");  // refused later
    switch (kind) {
        case Kind::kBool: {
            const std::optional<bool> on = value.as_bool();
            if (!on) return wrong_type(name, "boolean");
            return std::string(*on ? "on" : "off");
        }
        case Kind::kNumber: {
            std::optional<int64_t> number = value.as_int();
            if (!number) return wrong_type(name, "integer");
            if (*number < 0) {
                return fail("Property .{} doesn't take value {} (minimum: {}, maximum: {})", key,
                            *number, property->minimum, property->maximum);
            }
            return std::to_string(*number);
        }
        case Kind::kString: {
            const std::string* text = value.as_string();
            if (text == nullptr) return wrong_type(name, "string");
            return *text;
        }
    }
    return std::string();
}

Result<i386::CpuRequest> request_of(const CpuModelInfo& model) {
    i386::CpuRequest request{.model = model.name, .settings = {}};
    if (!model.props) return request;
    const Object* props = model.props->as_object();
    if (props == nullptr) return wrong_type("model.props", "object");
    for (const Member& member : props->members()) {
        std::string key = i386::cpu_key(member.name);
        std::string value = TRY(written(member.name, key, member.value));
        request.settings.push_back({.key = std::move(key), .value = std::move(value)});
    }
    return request;
}

Value to_json_value(const i386::CpuPropertyValue& value) {
    return std::visit([](const auto& content) { return Value(content); }, value);
}

}  // namespace

Result<std::vector<CpuDefinitionInfo>> qmp_query_cpu_definitions(monitor::MonitorContext& context) {
    std::vector<CpuDefinitionInfo> definitions;
    for (const i386::CpuCatalogEntry& entry :
         i386::cpu_catalog(context.machine->accelerator().cpu_support())) {
        CpuDefinitionInfo info{.name = std::string(entry.name),
                               .migration_safe = entry.migration_safe,
                               .static_ = entry.is_static,
                               .typename_ = entry.type_name,
                               .deprecated = false};
        info.unavailable_features.emplace(entry.unavailable.begin(), entry.unavailable.end());
        if (!entry.alias_of.empty()) info.alias_of = std::string(entry.alias_of);
        definitions.push_back(std::move(info));
    }
    return definitions;
}

Result<CpuModelExpansionInfo> qmp_query_cpu_model_expansion(
    monitor::MonitorContext& context, const QueryCpuModelExpansionArgs& args) {
    auto type = args.type == CpuModelExpansionType::kStatic ? i386::CpuExpansionType::kStatic
                                                            : i386::CpuExpansionType::kFull;
    i386::CpuExpansion expansion = TRY(i386::expand_cpu_model(
        TRY(request_of(args.model)), type, context.machine->accelerator().cpu_support()));
    Object props;
    for (const auto& [name, value] : expansion.properties)
        props.append(std::string(name), to_json_value(value));
    return CpuModelExpansionInfo{
        .model = {.name = std::move(expansion.name), .props = Value(std::move(props))}};
}

}  // namespace qc::qapi
