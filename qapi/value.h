// SPDX-License-Identifier: GPL-2.0-or-later
//
// A JSON value (RFC 8259) as QMP uses it: integers keep their full 64 bits,
// signed or unsigned, and objects remember the order of their members.
//
// Threading: plain values.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace qc::qapi {

class Value;
struct Member;
using Array = std::vector<Value>;

struct Null {
    bool operator==(const Null&) const = default;
};

// Members in the order of insertion; names are unique.
class Object {
 public:
    Object();
    Object(const Object&);
    Object(Object&&) noexcept;
    Object& operator=(const Object&);
    Object& operator=(Object&&) noexcept;
    ~Object();

    // nullptr if there is no such member. Takes time linear in size().
    const Value* find(std::string_view name) const;
    Value* find(std::string_view name);
    bool contains(std::string_view name) const { return find(name) != nullptr; }

    // Replaces a member of that name.
    void set(std::string_view name, Value value);
    // Appends without looking: the caller knows that the name is new.
    void append(std::string name, Value value);
    bool erase(std::string_view name);

    size_t size() const;
    bool empty() const;
    const std::vector<Member>& members() const { return members_; }

    // Order does not matter.
    bool operator==(const Object& other) const;

 private:
    std::vector<Member> members_;
};

class Value {
 public:
    enum class Kind : uint8_t { kNull, kBool, kInt, kUint, kDouble, kString, kArray, kObject };

    Value();
    Value(Null) : Value() {}
    template <std::same_as<bool> T>
    Value(T value) : data_(value) {}
    template <std::signed_integral T>
    Value(T value) : data_(static_cast<int64_t>(value)) {}
    // Becomes kInt where it fits, so that equal numbers are equal values.
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    Value(T value) : Value(from_unsigned(value)) {}
    Value(double value);
    Value(std::string value);
    Value(std::string_view value);
    Value(const char* value);
    Value(Array value);
    Value(Object value);
    Value(const Value&);
    Value(Value&&) noexcept;
    Value& operator=(const Value&);
    Value& operator=(Value&&) noexcept;
    ~Value();

    Kind kind() const { return static_cast<Kind>(data_.index()); }
    bool is_null() const { return kind() == Kind::kNull; }

    // Empty if the value is of another kind, or a number that the type cannot
    // hold. Integers convert to double, never the other way.
    std::optional<bool> as_bool() const;
    std::optional<int64_t> as_int() const;
    std::optional<uint64_t> as_uint() const;
    std::optional<double> as_double() const;

    // nullptr if the value is of another kind.
    const std::string* as_string() const { return std::get_if<std::string>(&data_); }
    const Array* as_array() const { return std::get_if<Array>(&data_); }
    const Object* as_object() const { return std::get_if<Object>(&data_); }
    Array* as_array() { return std::get_if<Array>(&data_); }
    Object* as_object() { return std::get_if<Object>(&data_); }

    bool operator==(const Value& other) const;

 private:
    static Value from_unsigned(uint64_t value);

    // In the order of Kind.
    std::variant<Null, bool, int64_t, uint64_t, double, std::string, Array, Object> data_;
};

struct Member {
    std::string name;
    Value value;
};

inline size_t Object::size() const {
    return members_.size();
}
inline bool Object::empty() const {
    return members_.empty();
}

}  // namespace qc::qapi
