// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a type declares about its properties, and the bag of values that an
// object is created with. One constexpr table per type feeds creation, `help`,
// introspection (qom-list-properties) and documentation:
//
//     static constexpr qom::PropertyDef kProperties[] = {
//         {.name = "iobase", .kind = PropertyKind::kUint32, .default_value = 0x3f8u},
//         {.name = "chardev", .kind = PropertyKind::kString, .description = "ID of a chardev"},
//     };
//
// Threading: plain values.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qapi/value.h"
#include "util/result.h"

namespace qc {
class OptionString;
}

namespace qc::qom {

enum class PropertyKind : uint8_t {
    kBool,
    kInt32,
    kInt64,
    kUint8,
    kUint16,
    kUint32,
    kUint64,
    kSize,  // as kUint64; text may have a suffix: "64k"
    kString,
    kEnum,  // one of PropertyDef::enum_values
    kAny,   // any JSON value; text is read as JSON
    // A place on a PCI bus: text "SLOT[.FUNCTION]" in hexadecimal, as a number
    // 8 * slot + function, or -1 for none.
    kPciAddress,
};

// Whether a JSON string stands for what it says: "on" for true, "5" for 5.
enum class TextValues : uint8_t { kTaken, kRefused };

enum class PropertyAccess : uint8_t {
    kCreate,     // given at creation, fixed afterwards; readable
    kReadOnly,   // computed by Object::read_property(); not given at creation
    kReadWrite,  // may be given at creation, and set later: Object::write_property()
};

// A default in a constexpr table: nothing, a bool, an integer or a text.
class PropertyDefault {
 public:
    enum class Kind : uint8_t { kNone, kBool, kInt, kUint, kString };

    constexpr PropertyDefault() = default;
    template <std::same_as<bool> T>
    constexpr PropertyDefault(T value) : kind_(Kind::kBool), number_(value) {}
    template <std::signed_integral T>
    constexpr PropertyDefault(T value)
        : kind_(Kind::kInt), number_(static_cast<uint64_t>(static_cast<int64_t>(value))) {}
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    constexpr PropertyDefault(T value) : kind_(Kind::kUint), number_(value) {}
    constexpr PropertyDefault(const char* text) : kind_(Kind::kString), text_(text) {}

    constexpr bool empty() const { return kind_ == Kind::kNone; }
    qapi::Value value() const;

 private:
    Kind kind_ = Kind::kNone;
    uint64_t number_ = 0;
    std::string_view text_;
};

struct PropertyDef {
    std::string_view name;
    PropertyKind kind = PropertyKind::kString;
    std::string_view description = {};
    PropertyDefault default_value = {};
    PropertyAccess access = PropertyAccess::kCreate;
    std::span<const std::string_view> enum_values = {};
    // What introspection calls the type, if not as `kind` says: "OnOffAuto".
    std::string_view type_name = {};
};

// "bool", "uint32", "str" ...
std::string_view type_name_of(const PropertyDef& def);

// `text` as the command line writes it, `value` as QMP sends it. The result has the
// kind's own type and range.
Result<qapi::Value> parse_property(const PropertyDef& def, std::string_view text);
Result<qapi::Value> check_property(const PropertyDef& def, const qapi::Value& value,
                                   TextValues texts = TextValues::kTaken);

struct ObjectType;

// The values of all properties of one type that can be given at creation:
// those that were given, else the defaults.
class PropertyValues {
 public:
    PropertyValues() = default;
    // All defaults.
    explicit PropertyValues(const ObjectType& type);

    // Takes every option that is left in `options`. An error names an option that
    // the type does not know: "Property 'isa-serial.foo' not found".
    static Result<PropertyValues> from_options(const ObjectType& type, const OptionString& options);
    static Result<PropertyValues> from_object(const ObjectType& type, const qapi::Object& members);

    // The same on top of the values that are there.
    Result<void> add(const ObjectType& type, const OptionString& options);
    Result<void> add(const ObjectType& type, const qapi::Object& members, TextValues texts);

    Result<void> set(const ObjectType& type, std::string_view name, const qapi::Value& value,
                     TextValues texts = TextValues::kTaken);
    Result<void> set_text(const ObjectType& type, std::string_view name, std::string_view text);
    // What became of a value that left something open ("auto"): how it reads from now on. The
    // property must be declared (asserted).
    void settle(std::string_view name, qapi::Value value);

    // True if the user gave it.
    bool is_set(std::string_view name) const;

    // The property must be declared with a matching kind (asserted). One that was
    // not given and has no default reads as false, 0 or "".
    bool get_bool(std::string_view name) const;
    int64_t get_int(std::string_view name) const;              // kInt32, kInt64, kPciAddress
    uint64_t get_uint(std::string_view name) const;            // kUint8 ... kSize
    std::string_view get_string(std::string_view name) const;  // kString, kEnum

    // nullptr if the type does not declare it.
    const qapi::Value* find(std::string_view name) const;

 private:
    struct Entry {
        const PropertyDef* def;
        qapi::Value value;
        bool given;
    };
    Entry* entry(std::string_view name);
    const Entry& declared(std::string_view name) const;
    Result<Entry*> settable(const ObjectType& type, std::string_view name);

    std::vector<Entry> entries_;
};

}  // namespace qc::qom
