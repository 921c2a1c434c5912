// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/property.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "qapi/json_reader.h"
#include "qom/object_type.h"
#include "util/assert.h"
#include "util/option_string.h"

namespace qc::qom {

namespace {

struct KindInfo {
    std::string_view type_name;   // in introspection
    std::string_view range_name;  // in "Parameter 'x' expects <range_name>"
    bool is_signed = false;
    uint64_t maximum = 0;
};

constexpr KindInfo info_of(PropertyKind kind) {
    switch (kind) {
        case PropertyKind::kBool: return {"bool", "boolean"};
        case PropertyKind::kInt32: return {"int32", "int32_t", true, INT32_MAX};
        case PropertyKind::kInt64: return {"int64", "int64", true, INT64_MAX};
        case PropertyKind::kUint8: return {"uint8", "uint8_t", false, UINT8_MAX};
        case PropertyKind::kUint16: return {"uint16", "uint16_t", false, UINT16_MAX};
        case PropertyKind::kUint32: return {"uint32", "uint32_t", false, UINT32_MAX};
        case PropertyKind::kUint64: return {"uint64", "uint64", false, UINT64_MAX};
        case PropertyKind::kSize: return {"size", "size", false, UINT64_MAX};
        case PropertyKind::kString: return {"str", "string"};
        case PropertyKind::kEnum: return {"enum", "string"};
        case PropertyKind::kAny: return {"any", "any"};
        case PropertyKind::kPciAddress: return {"int32", "int32_t", true, 255};
    }
    return {};
}

bool is_signed(PropertyKind kind) {
    return info_of(kind).is_signed;
}
bool is_unsigned(PropertyKind kind) {
    return !is_signed(kind) && info_of(kind).maximum != 0;
}

Failure wrong_type(const PropertyDef& def, std::string_view expected) {
    return fail("Invalid parameter type for '{}', expected: {}", def.name, expected);
}

Failure out_of_range(const PropertyDef& def) {
    return fail("Parameter '{}' expects {}", def.name, info_of(def.kind).range_name);
}

Result<qapi::Value> check_number(const PropertyDef& def, const qapi::Value& value) {
    using Kind = qapi::Value::Kind;
    if (value.kind() != Kind::kInt && value.kind() != Kind::kUint) {
        return wrong_type(def, "integer");
    }
    const KindInfo info = info_of(def.kind);
    if (info.is_signed) {
        const std::optional<int64_t> number = value.as_int();
        const auto maximum = static_cast<int64_t>(info.maximum);
        if (!number || *number > maximum || *number < -maximum - 1) return out_of_range(def);
    } else {
        const std::optional<uint64_t> number = value.as_uint();
        if (!number || *number > info.maximum) return out_of_range(def);
    }
    return value;
}

Result<qapi::Value> check_enum(const PropertyDef& def, std::string_view text) {
    if (std::ranges::find(def.enum_values, text) == def.enum_values.end()) {
        return fail("Parameter '{}' does not accept value '{}'", def.name, text);
    }
    return text;
}

Result<qapi::Value> parse_signed(const PropertyDef& def, std::string_view text) {
    const bool negative = text.starts_with('-');
    const uint64_t magnitude = TRY(parse_number(def.name, negative ? text.substr(1) : text));
    if (!negative) return check_number(def, magnitude);
    if (magnitude > uint64_t{1} << 63) return out_of_range(def);
    return check_number(def, static_cast<int64_t>(0 - magnitude));
}

Result<qapi::Value> check_pci_address(const PropertyDef& def, const qapi::Value& value) {
    const auto number = TRY(check_number(def, value));
    if (number.as_int().value_or(0) >= -1) return number;
    return out_of_range(def);
}

Result<qapi::Value> parse_pci_address(const PropertyDef& def, std::string_view text) {
    const auto number = [](std::string_view digits, unsigned limit) -> std::optional<unsigned> {
        unsigned value = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (error != std::errc{} || end != digits.data() + digits.size() || value > limit) {
            return std::nullopt;
        }
        return value;
    };
    const size_t dot = text.find('.');
    const auto slot = number(text.substr(0, dot), 31);
    const auto function =
        dot == std::string_view::npos ? std::optional(0u) : number(text.substr(dot + 1), 7);
    if (slot && function) return static_cast<int64_t>(8 * *slot + *function);
    return fail("Property '{}' doesn't take value '{}'", def.name, text);
}

Failure not_found(const ObjectType& type, std::string_view name) {
    return fail("Property '{}.{}' not found", type.name, name);
}

}  // namespace

qapi::Value PropertyDefault::value() const {
    switch (kind_) {
        case Kind::kNone: return {};
        case Kind::kBool: return number_ != 0;
        case Kind::kInt: return static_cast<int64_t>(number_);
        case Kind::kUint: return number_;
        case Kind::kString: return text_;
    }
    return {};
}

std::string_view type_name_of(const PropertyDef& def) {
    return def.type_name.empty() ? info_of(def.kind).type_name : def.type_name;
}

Result<qapi::Value> parse_property(const PropertyDef& def, std::string_view text) {
    switch (def.kind) {
        case PropertyKind::kBool: return TRY(parse_bool(def.name, text));
        case PropertyKind::kString: return text;
        case PropertyKind::kEnum: return check_enum(def, text);
        case PropertyKind::kAny: return TRY(qapi::parse_json(text).context("{}", def.name));
        case PropertyKind::kSize: return TRY(parse_size(def.name, text));
        case PropertyKind::kPciAddress: return parse_pci_address(def, text);
        case PropertyKind::kInt32:
        case PropertyKind::kInt64: return parse_signed(def, text);
        case PropertyKind::kUint8:
        case PropertyKind::kUint16:
        case PropertyKind::kUint32:
        case PropertyKind::kUint64: return check_number(def, TRY(parse_number(def.name, text)));
    }
    return wrong_type(def, "a known kind");
}

Result<qapi::Value> check_property(const PropertyDef& def, const qapi::Value& value,
                                   TextValues texts) {
    const bool textual = def.kind == PropertyKind::kString || def.kind == PropertyKind::kEnum ||
                         def.kind == PropertyKind::kPciAddress;
    const std::string* text = value.as_string();
    if (text != nullptr && (textual || texts == TextValues::kTaken)) {
        return parse_property(def, *text);
    }
    switch (def.kind) {
        case PropertyKind::kBool:
            if (!value.as_bool()) return wrong_type(def, "boolean");
            return value;
        case PropertyKind::kString:
        case PropertyKind::kEnum: return wrong_type(def, "string");
        case PropertyKind::kAny: return value;
        case PropertyKind::kPciAddress: return check_pci_address(def, value);
        default: return check_number(def, value);
    }
}

PropertyValues::PropertyValues(const ObjectType& type) {
    for (const PropertyDef* def : all_properties(type)) {
        if (def->access == PropertyAccess::kReadOnly) continue;
        entries_.push_back({def, def->default_value.value(), false});
    }
}

Result<PropertyValues> PropertyValues::from_options(const ObjectType& type,
                                                    const OptionString& options) {
    PropertyValues values(type);
    TRY(values.add(type, options));
    return values;
}

Result<PropertyValues> PropertyValues::from_object(const ObjectType& type,
                                                   const qapi::Object& members) {
    PropertyValues values(type);
    TRY(values.add(type, members, TextValues::kTaken));
    return values;
}

Result<void> PropertyValues::add(const ObjectType& type, const OptionString& options) {
    for (const OptionString::Option& option : options.options()) {
        TRY(set_text(type, option.key, option.value));
    }
    return {};
}

Result<void> PropertyValues::add(const ObjectType& type, const qapi::Object& members,
                                 TextValues texts) {
    for (const qapi::Member& member : members.members()) {
        TRY(set(type, member.name, member.value, texts));
    }
    return {};
}

Result<PropertyValues::Entry*> PropertyValues::settable(const ObjectType& type,
                                                        std::string_view name) {
    if (Entry* found = entry(name)) return found;
    if (type.find_property(name) == nullptr) return not_found(type, name);
    return fail("Property '{}.{}' is not writable", type.name, name);
}

Result<void> PropertyValues::set(const ObjectType& type, std::string_view name,
                                 const qapi::Value& value, TextValues texts) {
    Entry* target = TRY(settable(type, name));
    target->value = TRY(check_property(*target->def, value, texts));
    target->given = true;
    return {};
}

Result<void> PropertyValues::set_text(const ObjectType& type, std::string_view name,
                                      std::string_view text) {
    Entry* target = TRY(settable(type, name));
    target->value = TRY(parse_property(*target->def, text));
    target->given = true;
    return {};
}

void PropertyValues::settle(std::string_view name, qapi::Value value) {
    Entry* target = entry(name);
    QC_ASSERT(target != nullptr);
    target->value = std::move(value);
}

PropertyValues::Entry* PropertyValues::entry(std::string_view name) {
    const auto found =
        std::ranges::find_if(entries_, [&](const Entry& e) { return e.def->name == name; });
    return found == entries_.end() ? nullptr : &*found;
}

const PropertyValues::Entry& PropertyValues::declared(std::string_view name) const {
    const auto found =
        std::ranges::find_if(entries_, [&](const Entry& e) { return e.def->name == name; });
    QC_ASSERT(found != entries_.end());
    return *found;
}

const qapi::Value* PropertyValues::find(std::string_view name) const {
    const auto found =
        std::ranges::find_if(entries_, [&](const Entry& e) { return e.def->name == name; });
    return found == entries_.end() ? nullptr : &found->value;
}

bool PropertyValues::is_set(std::string_view name) const {
    return declared(name).given;
}

bool PropertyValues::get_bool(std::string_view name) const {
    const Entry& found = declared(name);
    QC_ASSERT(found.def->kind == PropertyKind::kBool);
    return found.value.as_bool().value_or(false);
}

int64_t PropertyValues::get_int(std::string_view name) const {
    const Entry& found = declared(name);
    QC_ASSERT(is_signed(found.def->kind));
    return found.value.as_int().value_or(0);
}

uint64_t PropertyValues::get_uint(std::string_view name) const {
    const Entry& found = declared(name);
    QC_ASSERT(is_unsigned(found.def->kind));
    return found.value.as_uint().value_or(0);
}

std::string_view PropertyValues::get_string(std::string_view name) const {
    const Entry& found = declared(name);
    QC_ASSERT(found.def->kind == PropertyKind::kString || found.def->kind == PropertyKind::kEnum);
    const std::string* text = found.value.as_string();
    return text != nullptr ? std::string_view(*text) : std::string_view();
}

}  // namespace qc::qom
