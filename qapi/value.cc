// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/value.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace qc::qapi {

Object::Object() = default;
Object::Object(const Object&) = default;
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(const Object&) = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

const Value* Object::find(std::string_view name) const {
    const auto found = std::ranges::find(members_, name, &Member::name);
    return found == members_.end() ? nullptr : &found->value;
}

Value* Object::find(std::string_view name) {
    return const_cast<Value*>(std::as_const(*this).find(name));
}

void Object::set(std::string_view name, Value value) {
    if (Value* existing = find(name)) {
        *existing = std::move(value);
    } else {
        append(std::string(name), std::move(value));
    }
}

void Object::append(std::string name, Value value) {
    members_.push_back(Member{std::move(name), std::move(value)});
}

bool Object::erase(std::string_view name) {
    return std::erase_if(members_, [&](const Member& member) { return member.name == name; }) != 0;
}

bool Object::operator==(const Object& other) const {
    if (size() != other.size()) return false;
    return std::ranges::all_of(members_, [&](const Member& member) {
        const Value* counterpart = other.find(member.name);
        return counterpart != nullptr && *counterpart == member.value;
    });
}

Value::Value() = default;
Value::Value(double value) : data_(value) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(std::string_view value) : data_(std::string(value)) {}
Value::Value(const char* value) : data_(std::string(value)) {}
Value::Value(Array value) : data_(std::move(value)) {}
Value::Value(Object value) : data_(std::move(value)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value Value::from_unsigned(uint64_t value) {
    if (std::in_range<int64_t>(value)) return Value(static_cast<int64_t>(value));
    Value result;
    result.data_ = value;
    return result;
}

std::optional<bool> Value::as_bool() const {
    if (const bool* value = std::get_if<bool>(&data_)) return *value;
    return std::nullopt;
}

std::optional<int64_t> Value::as_int() const {
    if (const int64_t* value = std::get_if<int64_t>(&data_)) return *value;
    return std::nullopt;
}

std::optional<uint64_t> Value::as_uint() const {
    if (const uint64_t* value = std::get_if<uint64_t>(&data_)) return *value;
    const int64_t* value = std::get_if<int64_t>(&data_);
    if (value != nullptr && *value >= 0) return static_cast<uint64_t>(*value);
    return std::nullopt;
}

std::optional<double> Value::as_double() const {
    if (const double* value = std::get_if<double>(&data_)) return *value;
    if (const int64_t* value = std::get_if<int64_t>(&data_)) return static_cast<double>(*value);
    if (const uint64_t* value = std::get_if<uint64_t>(&data_)) return static_cast<double>(*value);
    return std::nullopt;
}

bool Value::operator==(const Value& other) const {
    return data_ == other.data_;
}

}  // namespace qc::qapi
