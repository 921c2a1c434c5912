// SPDX-License-Identifier: GPL-2.0-or-later
//
// Conversion between C++ values and JSON values: the builtin types, arrays and
// what the generated functions of each module (qapi_visit_X.h) are built from.
// Reading is strict: a missing, unexpected or mistyped member is an error that
// names it by its whole path, in QEMU's words.
//
// Threading: plain values and functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qapi/value.h"
#include "util/result.h"

namespace qc::qapi {

// One pass over one value. After the first error every call returns false.
class Reader {
 public:
    // Between these two, required() and optional() speak of `value`'s members.
    bool begin_object(const Value& value);
    // Fails if a member was not asked for.
    bool end_object();

    template <typename T>
    bool required(std::string_view name, T& out) {
        const Value* value = take(name);
        return value == nullptr ? missing(name) : read_member(name, *value, out);
    }
    template <typename T>
    bool optional(std::string_view name, std::optional<T>& out) {
        const Value* value = take(name);
        return value == nullptr || read_member(name, *value, out.emplace());
    }
    template <typename T>
    bool read_array(const Value& value, std::vector<T>& out) {
        const Array* array = value.as_array();
        if (array == nullptr) return wrong_type("array");
        for (size_t index = 0; index < array->size(); ++index) {
            path_.push_back({{}, index});
            if (!read(*this, (*array)[index], out.emplace_back())) return false;
            path_.pop_back();
        }
        return true;
    }

    // The index of a string in a list of names.
    std::optional<size_t> read_name(const Value& value, std::span<const std::string_view> names);

    // These fail, always.
    bool wrong_type(std::string_view expected);
    bool out_of_range(std::string_view type);

    // After a call returned false.
    Failure failure() { return Failure(*std::move(error_)); }

 private:
    struct Step {
        std::string_view name;  // of a member; empty for an array's element
        size_t index;
    };
    struct Frame {
        const Object* object;
        std::vector<bool> taken;
    };

    template <typename T>
    bool read_member(std::string_view name, const Value& value, T& out) {
        path_.push_back({name, 0});
        if (!read(*this, value, out)) return false;
        path_.pop_back();
        return true;
    }
    const Value* take(std::string_view name);
    bool missing(std::string_view name);
    // "instances[0].type", with `last` behind it.
    std::string full_name(std::string_view last = {}) const;
    bool set_error(std::string text);

    std::vector<Step> path_;
    std::vector<Frame> frames_;
    std::optional<Error> error_;
};

std::optional<size_t> find_name(std::span<const std::string_view> names, std::string_view name);

bool read(Reader& in, const Value& value, bool& out);
bool read(Reader& in, const Value& value, int8_t& out);
bool read(Reader& in, const Value& value, int16_t& out);
bool read(Reader& in, const Value& value, int32_t& out);
bool read(Reader& in, const Value& value, int64_t& out);
bool read(Reader& in, const Value& value, uint8_t& out);
bool read(Reader& in, const Value& value, uint16_t& out);
bool read(Reader& in, const Value& value, uint32_t& out);
bool read(Reader& in, const Value& value, uint64_t& out);
bool read(Reader& in, const Value& value, double& out);
bool read(Reader& in, const Value& value, std::string& out);
bool read(Reader& in, const Value& value, Null& out);
bool read(Reader& in, const Value& value, Value& out);
template <typename T>
bool read(Reader& in, const Value& value, std::vector<T>& out) {
    return in.read_array(value, out);
}

template <typename T>
    requires(std::constructible_from<Value, const T&>)
Value to_value(const T& in) {
    return Value(in);
}
template <typename T>
Value to_value(const std::vector<T>& in) {
    Array out;
    out.reserve(in.size());
    for (const T& element : in)
        out.push_back(to_value(element));
    return out;
}

template <typename T>
void put(Object& out, std::string_view name, const T& value) {
    out.append(std::string(name), to_value(value));
}
template <typename T>
void put(Object& out, std::string_view name, const std::optional<T>& value) {
    if (value) out.append(std::string(name), to_value(*value));
}

template <typename T>
Result<T> from_value(const Value& value) {
    Reader in;
    T out{};
    if (!read(in, value, out)) return in.failure();
    return out;
}

}  // namespace qc::qapi
