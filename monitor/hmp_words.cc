// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp_words.h"

#include "monitor/hmp_command.h"
#include "qapi/generated/qapi_visit_char.h"
#include "qapi/generated/qapi_visit_qom.h"

namespace qc::monitor {

namespace {

using Words = std::vector<std::string>;

// A member of each element of what a query answers; nothing if it fails.
void add_members(MonitorContext& context, std::string_view query, std::string_view member,
                 Words& words, const qapi::Object& arguments = {}) {
    const Result<qapi::Value> value = call_qmp(context, query, arguments);
    const qapi::Array* const elements = value ? value->as_array() : nullptr;
    if (elements == nullptr) return;
    for (const qapi::Value& element : *elements) {
        const qapi::Object* const object = element.as_object();
        const qapi::Value* const found = object == nullptr ? nullptr : object->find(member);
        const std::string* const text = found == nullptr ? nullptr : found->as_string();
        if (text != nullptr && !text->empty()) words.push_back(*text);
    }
}

// The children of an object, by name.
void add_children(MonitorContext& context, std::string_view path, std::string_view before,
                  std::string_view behind, Words& words) {
    qapi::Object arguments;
    arguments.append("path", path);
    const Result<qapi::Value> value = call_qmp(context, "qom-list", arguments);
    if (!value) return;
    const auto list = qapi::from_value<std::vector<qapi::ObjectPropertyInfo>>(*value);
    if (!list) return;
    for (const qapi::ObjectPropertyInfo& info : *list) {
        if (info.type.starts_with("child<")) {
            words.push_back(fmt::format("{}{}{}", before, info.name, behind));
        }
    }
}

}  // namespace

void chardev_words(MonitorContext& context, std::string_view, Words& words) {
    add_members(context, "query-chardev", "label", words);
}

void chardev_backend_words(MonitorContext& context, std::string_view, Words& words) {
    add_members(context, "query-chardev-backends", "name", words);
}

void ringbuf_words(MonitorContext& context, std::string_view, Words& words) {
    const auto list = query_qmp<std::vector<qapi::ChardevInfo>>(context, "query-chardev");
    if (!list) return;
    for (const qapi::ChardevInfo& info : *list) {
        if (info.filename == "ringbuf" || info.filename == "memory") words.push_back(info.label);
    }
}

void device_words(MonitorContext& context, std::string_view, Words& words) {
    add_children(context, "/machine/peripheral", "", "", words);
}

void device_type_words(MonitorContext& context, std::string_view, Words& words) {
    qapi::Object arguments;
    arguments.append("implements", "device");
    add_members(context, "qom-list-types", "name", words, arguments);
}

void object_words(MonitorContext& context, std::string_view, Words& words) {
    add_children(context, "/objects", "", "", words);
}

void drive_words(MonitorContext& context, std::string_view, Words& words) {
    add_members(context, "query-block", "device", words);
}

void qom_path_words(MonitorContext& context, std::string_view prefix, Words& words) {
    if (!prefix.empty() && !prefix.starts_with('/')) return;
    const size_t slash = prefix.rfind('/');
    const std::string_view parent =
        slash == std::string_view::npos || slash == 0 ? "/" : prefix.substr(0, slash);
    const std::string before = parent == "/" ? "/" : fmt::format("{}/", parent);
    add_children(context, parent, before, "/", words);
}

void capability_words(MonitorContext& context, std::string_view, Words& words) {
    add_members(context, "query-migrate-capabilities", "capability", words);
}

void migration_parameter_words(MonitorContext& context, std::string_view, Words& words) {
    const Result<qapi::Value> value = call_qmp(context, "query-migrate-parameters");
    const qapi::Object* const parameters = value ? value->as_object() : nullptr;
    if (parameters == nullptr) return;
    for (const qapi::Member& member : parameters->members())
        words.push_back(member.name);
}

}  // namespace qc::monitor
