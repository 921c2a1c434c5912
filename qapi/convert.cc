// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/convert.h"

#include <algorithm>

#include "util/assert.h"

namespace qc::qapi {

bool Reader::begin_object(const Value& value) {
    const Object* object = value.as_object();
    if (object == nullptr) return wrong_type("object");
    frames_.push_back({object, std::vector<bool>(object->size())});
    return true;
}

bool Reader::end_object() {
    QC_ASSERT(!frames_.empty());
    const Frame& frame = frames_.back();
    const auto unknown = std::ranges::find(frame.taken, false);
    if (unknown != frame.taken.end()) {
        const auto index = static_cast<size_t>(unknown - frame.taken.begin());
        const std::string& name = frame.object->members()[index].name;
        return set_error(fmt::format("Parameter '{}' is unexpected", full_name(name)));
    }
    frames_.pop_back();
    return true;
}

const Value* Reader::take(std::string_view name) {
    QC_ASSERT(!frames_.empty());
    Frame& frame = frames_.back();
    const std::vector<Member>& members = frame.object->members();
    const auto found = std::ranges::find(members, name, &Member::name);
    if (found == members.end()) return nullptr;
    frame.taken[static_cast<size_t>(found - members.begin())] = true;
    return &found->value;
}

std::string Reader::full_name(std::string_view last) const {
    std::string text;
    const auto add = [&](std::string_view name) {
        if (!text.empty()) text += '.';
        text += name;
    };
    for (const Step& step : path_) {
        if (step.name.empty()) {
            text += fmt::format("[{}]", step.index);
        } else {
            add(step.name);
        }
    }
    if (!last.empty()) add(last);
    return text;
}

bool Reader::set_error(std::string text) {
    if (!error_) error_ = Error(std::move(text));
    return false;
}

bool Reader::missing(std::string_view name) {
    return set_error(fmt::format("Parameter '{}' is missing", full_name(name)));
}

bool Reader::wrong_type(std::string_view expected) {
    return set_error(
        fmt::format("Invalid parameter type for '{}', expected: {}", full_name(), expected));
}

bool Reader::out_of_range(std::string_view type) {
    return set_error(fmt::format("Parameter '{}' expects {}", full_name(), type));
}

std::optional<size_t> Reader::read_name(const Value& value,
                                        std::span<const std::string_view> names) {
    const std::string* text = value.as_string();
    if (text == nullptr) {
        wrong_type("string");
        return std::nullopt;
    }
    const std::optional<size_t> index = find_name(names, *text);
    if (!index) {
        // QEMU names the member without its path here, and its clients know that.
        const bool in_array = path_.empty() || path_.back().name.empty();
        const std::string name = in_array ? full_name() : std::string(path_.back().name);
        set_error(fmt::format("Parameter '{}' does not accept value '{}'", name, *text));
    }
    return index;
}

std::optional<size_t> find_name(std::span<const std::string_view> names, std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<size_t>(found - names.begin());
}

namespace {

template <typename T>
bool read_signed(Reader& in, const Value& value, T& out, std::string_view type) {
    const std::optional<int64_t> number = value.as_int();
    if (!number) return in.wrong_type("integer");
    if (!std::in_range<T>(*number)) return in.out_of_range(type);
    out = static_cast<T>(*number);
    return true;
}

template <typename T>
bool read_unsigned(Reader& in, const Value& value, T& out, std::string_view type) {
    using Kind = Value::Kind;
    if (value.kind() != Kind::kInt && value.kind() != Kind::kUint) {
        return in.out_of_range("uint64");
    }
    const std::optional<uint64_t> number = value.as_uint();
    if (!number || !std::in_range<T>(*number)) return in.out_of_range(type);
    out = static_cast<T>(*number);
    return true;
}

}  // namespace

bool read(Reader& in, const Value& value, bool& out) {
    const std::optional<bool> flag = value.as_bool();
    if (!flag) return in.wrong_type("boolean");
    out = *flag;
    return true;
}

bool read(Reader& in, const Value& value, int8_t& out) {
    return read_signed(in, value, out, "int8_t");
}
bool read(Reader& in, const Value& value, int16_t& out) {
    return read_signed(in, value, out, "int16_t");
}
bool read(Reader& in, const Value& value, int32_t& out) {
    return read_signed(in, value, out, "int32_t");
}
bool read(Reader& in, const Value& value, int64_t& out) {
    return read_signed(in, value, out, "int64");
}
bool read(Reader& in, const Value& value, uint8_t& out) {
    return read_unsigned(in, value, out, "uint8_t");
}
bool read(Reader& in, const Value& value, uint16_t& out) {
    return read_unsigned(in, value, out, "uint16_t");
}
bool read(Reader& in, const Value& value, uint32_t& out) {
    return read_unsigned(in, value, out, "uint32_t");
}
bool read(Reader& in, const Value& value, uint64_t& out) {
    return read_unsigned(in, value, out, "uint64");
}

bool read(Reader& in, const Value& value, double& out) {
    const std::optional<double> number = value.as_double();
    if (!number) return in.wrong_type("number");
    out = *number;
    return true;
}

bool read(Reader& in, const Value& value, std::string& out) {
    const std::string* text = value.as_string();
    if (text == nullptr) return in.wrong_type("string");
    out = *text;
    return true;
}

bool read(Reader& in, const Value& value, Null&) {
    return value.is_null() || in.wrong_type("null");
}

bool read(Reader&, const Value& value, Value& out) {
    out = value;
    return true;
}

}  // namespace qc::qapi
