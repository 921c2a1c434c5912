// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/json_writer.h"

#include <fmt/core.h>

#include <cmath>
#include <iterator>

#include "qapi/json_text.h"

namespace qc::qapi {

namespace {

constexpr size_t kIndent = 4;

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

class Writer {
 public:
    Writer(std::string& out, JsonStyle style) : out_(out), pretty_(style == JsonStyle::kPretty) {}

    void put(const Object& object) {
        open('{');
        for (const Member& member : object.members()) {
            next();
            append_json_string(out_, member.name);
            out_ += ": ";
            put(member.value);
        }
        close('}');
    }

    void put(const Value& value) {
        switch (value.kind()) {
            case Value::Kind::kNull: out_ += "null"; return;
            case Value::Kind::kBool: out_ += *value.as_bool() ? "true" : "false"; return;
            case Value::Kind::kInt:
                fmt::format_to(std::back_inserter(out_), "{}", *value.as_int());
                return;
            case Value::Kind::kUint:
                fmt::format_to(std::back_inserter(out_), "{}", *value.as_uint());
                return;
            case Value::Kind::kDouble: append_double(out_, *value.as_double()); return;
            case Value::Kind::kString: append_json_string(out_, *value.as_string()); return;
            case Value::Kind::kArray: put(*value.as_array()); return;
            case Value::Kind::kObject: put(*value.as_object()); return;
        }
    }

 private:
    void put(const Array& array) {
        open('[');
        for (const Value& element : array) {
            next();
            put(element);
        }
        close(']');
    }

    void open(char bracket) {
        out_ += bracket;
        ++depth_;
        first_ = true;
    }
    void next() {
        if (!first_) out_ += pretty_ ? "," : ", ";
        first_ = false;
        if (pretty_) new_line();
    }
    void close(char bracket) {
        --depth_;
        first_ = false;
        if (pretty_) new_line();
        out_ += bracket;
    }
    void new_line() {
        out_ += '\n';
        out_.append(depth_ * kIndent, ' ');
    }

    std::string& out_;
    const bool pretty_;
    size_t depth_ = 0;
    bool first_ = true;
};

}  // namespace

void append_json(std::string& out, const Object& object, JsonStyle style) {
    Writer(out, style).put(object);
}

void append_json(std::string& out, const Value& value, JsonStyle style) {
    Writer(out, style).put(value);
}

std::string to_json(const Value& value) {
    std::string out;
    append_json(out, value);
    return out;
}

}  // namespace qc::qapi
