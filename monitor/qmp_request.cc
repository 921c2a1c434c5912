// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/qmp_request.h"

#include <utility>

namespace qc::monitor {

namespace {

constexpr std::string_view kExecute = "execute";
constexpr std::string_view kExecOob = "exec-oob";

Result<void> check_member(const qapi::Member& member, OobAllowed oob) {
    const std::string& name = member.name;
    const bool in_band = name == kExecute;
    if (in_band || (name == kExecOob && oob == OobAllowed::kYes)) {
        if (member.value.as_string() != nullptr) return {};
        return fail("QMP input member '{}' must be a string", name);
    }
    if (name == "arguments") {
        if (member.value.as_object() != nullptr) return {};
        return fail("QMP input member 'arguments' must be an object");
    }
    if (name == "id") return {};
    return fail("QMP input member '{}' is unexpected", name);
}

Result<void> check_members(const qapi::Object& object, OobAllowed oob) {
    for (const qapi::Member& member : object.members())
        TRY(check_member(member, oob));
    const bool in_band = object.contains(kExecute);
    const bool out_of_band = object.contains(kExecOob);
    if (in_band && out_of_band) return fail("QMP input member 'execute' clashes with 'exec-oob'");
    if (!in_band && !out_of_band) return fail("QMP input lacks member 'execute'");
    return {};
}

void take_members(QmpRequest& request, qapi::Object& object) {
    request.command = *object.find(request.out_of_band ? kExecOob : kExecute)->as_string();
    if (qapi::Value* arguments = object.find("arguments")) {
        request.arguments = std::move(*arguments->as_object());
    }
}

}  // namespace

QmpRequest parse_qmp_request(Result<qapi::Value> input, OobAllowed oob) {
    QmpRequest request;
    if (!input) {
        request.error = std::move(input).error();
        return request;
    }
    qapi::Object* object = input->as_object();
    if (object == nullptr) {
        request.error = Error("QMP input must be a JSON object");
        return request;
    }
    if (const qapi::Value* id = object->find("id")) request.id = *id;
    request.out_of_band = object->contains(kExecOob) && !object->contains(kExecute);
    if (Result<void> checked = check_members(*object, oob); !checked) {
        request.error = std::move(checked).error();
        return request;
    }
    take_members(request, *object);
    return request;
}

qapi::Object qmp_response(const Result<qapi::Value>& result, std::optional<qapi::Value> id) {
    qapi::Object response;
    if (result) {
        response.append("return", *result);
    } else {
        qapi::Object error;
        error.append("class", to_string(result.error().error_class()));
        error.append("desc", result.error().message());
        response.append("error", std::move(error));
    }
    if (id) response.append("id", *std::move(id));
    return response;
}

qapi::Object qmp_event(std::string_view name, std::optional<qapi::Object> data, int64_t now_ns) {
    qapi::Object timestamp;
    timestamp.append("seconds", now_ns / 1'000'000'000);
    timestamp.append("microseconds", now_ns % 1'000'000'000 / 1000);
    qapi::Object event;
    event.append("timestamp", std::move(timestamp));
    event.append("event", name);
    if (data) event.append("data", *std::move(data));
    return event;
}

}  // namespace qc::monitor
