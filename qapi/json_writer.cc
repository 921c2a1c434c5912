// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/json_writer.h"

#include <fmt/core.h>

#include <cmath>
#include <iterator>

#include "qapi/json_text.h"

namespace qc::qapi {

namespace {

void append_double(std::string& out, double value) {
    // JSON has no infinities.
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    // The shortest text that reads back as the same number, and as no integer.
    const std::string text = fmt::format("{}", value);
    out += text;
    if (text.find_first_of(".e") == std::string::npos) out += ".0";
}

void append_array(std::string& out, const Array& array) {
    out += '[';
    std::string_view separator;
    for (const Value& element : array) {
        out += separator;
        append_json(out, element);
        separator = ", ";
    }
    out += ']';
}

}  // namespace

void append_json(std::string& out, const Object& object) {
    out += '{';
    std::string_view separator;
    for (const Member& member : object.members()) {
        out += separator;
        append_json_string(out, member.name);
        out += ": ";
        append_json(out, member.value);
        separator = ", ";
    }
    out += '}';
}

void append_json(std::string& out, const Value& value) {
    switch (value.kind()) {
        case Value::Kind::kNull: out += "null"; return;
        case Value::Kind::kBool: out += *value.as_bool() ? "true" : "false"; return;
        case Value::Kind::kInt:
            fmt::format_to(std::back_inserter(out), "{}", *value.as_int());
            return;
        case Value::Kind::kUint:
            fmt::format_to(std::back_inserter(out), "{}", *value.as_uint());
            return;
        case Value::Kind::kDouble: append_double(out, *value.as_double()); return;
        case Value::Kind::kString: append_json_string(out, *value.as_string()); return;
        case Value::Kind::kArray: append_array(out, *value.as_array()); return;
        case Value::Kind::kObject: append_json(out, *value.as_object()); return;
    }
}

std::string to_json(const Value& value) {
    std::string out;
    append_json(out, value);
    return out;
}

}  // namespace qc::qapi
