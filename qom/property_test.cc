// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/property.h"

#include <gtest/gtest.h>

#include "qom/object_type.h"
#include "util/option_string.h"

namespace qc::qom {
namespace {

constexpr std::string_view kOnOffAuto[] = {"on", "off", "auto"};
constexpr PropertyDef kProperties[] = {
    {.name = "small", .kind = PropertyKind::kUint8, .default_value = 7u},
    {.name = "wide", .kind = PropertyKind::kUint64},
    {.name = "signed", .kind = PropertyKind::kInt32, .default_value = -1},
    {.name = "deep", .kind = PropertyKind::kInt64},
    {.name = "size", .kind = PropertyKind::kSize},
    {.name = "flag", .kind = PropertyKind::kBool, .default_value = true},
    {.name = "text", .default_value = "none"},
    {.name = "mode",
     .kind = PropertyKind::kEnum,
     .default_value = "auto",
     .enum_values = kOnOffAuto,
     .type_name = "OnOffAuto"},
    {.name = "state", .kind = PropertyKind::kBool, .access = PropertyAccess::kReadOnly},
};
constexpr ObjectType kType{.name = "thing", .parent = &kObjectType, .properties = kProperties};

constexpr PropertyDef kChildProperties[] = {
    {.name = "small", .kind = PropertyKind::kUint8, .default_value = 9u},
};
constexpr ObjectType kChildType{
    .name = "child-thing", .parent = &kType, .properties = kChildProperties};

Result<PropertyValues> from_text(std::string_view text) {
    return PropertyValues::from_options(kType, *OptionString::parse(text, ""));
}

std::string error_of(std::string_view text) {
    const Result<PropertyValues> values = from_text(text);
    return values ? "no error" : values.error().message();
}

TEST(PropertyValues, nothing_given_returns_defaults) {
    const PropertyValues values(kType);
    EXPECT_EQ(values.get_uint("small"), 7u);
    EXPECT_EQ(values.get_uint("wide"), 0u);
    EXPECT_EQ(values.get_int("signed"), -1);
    EXPECT_TRUE(values.get_bool("flag"));
    EXPECT_EQ(values.get_string("text"), "none");
    EXPECT_EQ(values.get_string("mode"), "auto");
    EXPECT_FALSE(values.is_set("small"));
}

TEST(PropertyValues, redeclared_property_uses_nearest_default) {
    EXPECT_EQ(PropertyValues(kChildType).get_uint("small"), 9u);
}

TEST(PropertyValues, options_of_every_kind_are_parsed) {
    const Result<PropertyValues> values = from_text(
        "small=0xff,wide=18446744073709551615,signed=-2147483648,"
        "deep=-9223372036854775808,size=64k,flag=off,text=a b,mode=on");
    ASSERT_TRUE(values) << values.error().message();
    EXPECT_EQ(values->get_uint("small"), 255u);
    EXPECT_EQ(values->get_uint("wide"), UINT64_MAX);
    EXPECT_EQ(values->get_int("signed"), INT32_MIN);
    EXPECT_EQ(values->get_int("deep"), INT64_MIN);
    EXPECT_EQ(values->get_uint("size"), 65536u);
    EXPECT_FALSE(values->get_bool("flag"));
    EXPECT_EQ(values->get_string("text"), "a b");
    EXPECT_EQ(values->get_string("mode"), "on");
    EXPECT_TRUE(values->is_set("small"));
}

TEST(PropertyValues, options_unknown_name_is_refused_by_name) {
    EXPECT_EQ(error_of("foo=1"), "Property 'thing.foo' not found");
}

TEST(PropertyValues, options_computed_property_is_not_writable) {
    EXPECT_EQ(error_of("state=on"), "Property 'thing.state' is not writable");
}

TEST(PropertyValues, options_out_of_range_name_the_type) {
    EXPECT_EQ(error_of("small=256"), "Parameter 'small' expects uint8_t");
    EXPECT_EQ(error_of("signed=2147483648"), "Parameter 'signed' expects int32_t");
    EXPECT_EQ(error_of("signed=-2147483649"), "Parameter 'signed' expects int32_t");
    EXPECT_EQ(error_of("deep=-9223372036854775809"), "Parameter 'deep' expects int64");
    EXPECT_NE(error_of("small=-1"), "no error");
}

TEST(PropertyValues, options_bad_texts_are_refused) {
    EXPECT_NE(error_of("small=x"), "no error");
    EXPECT_NE(error_of("signed=--1"), "no error");
    EXPECT_NE(error_of("flag=maybe"), "no error");
    EXPECT_EQ(error_of("mode=perhaps"), "Parameter 'mode' does not accept value 'perhaps'");
}

TEST(PropertyValues, object_with_typed_and_text_members_is_accepted) {
    qapi::Object members;
    members.set("small", 1);
    members.set("flag", "off");
    members.set("signed", "-5");
    const Result<PropertyValues> values = PropertyValues::from_object(kType, members);
    ASSERT_TRUE(values) << values.error().message();
    EXPECT_EQ(values->get_uint("small"), 1u);
    EXPECT_FALSE(values->get_bool("flag"));
    EXPECT_EQ(values->get_int("signed"), -5);
}

TEST(PropertyValues, object_with_wrong_json_type_is_refused) {
    PropertyValues values(kType);
    EXPECT_FALSE(values.set(kType, "flag", 1));
    EXPECT_FALSE(values.set(kType, "small", true));
    EXPECT_FALSE(values.set(kType, "small", 1.0));
    EXPECT_FALSE(values.set(kType, "text", 5));
    EXPECT_FALSE(values.set(kType, "mode", qapi::Value()));
    EXPECT_FALSE(values.is_set("flag"));
}

TEST(TypeRegistry, add_registers_ancestors_once) {
    TypeRegistry registry;
    registry.add(kChildType);
    registry.add(kType);
    EXPECT_EQ(registry.find("thing"), &kType);
    EXPECT_EQ(registry.types().size(), 4u);
    EXPECT_TRUE(kChildType.is_a("thing"));
    EXPECT_FALSE(kType.is_a("child-thing"));
}

TEST(TypeRegistry, find_device_unknown_has_class_device_not_found) {
    const TypeRegistry registry;
    const Result<const ObjectType*> found = registry.find_device("zork");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().message(), "Device 'zork' not found");
    EXPECT_EQ(found.error().error_class(), ErrorClass::kDeviceNotFound);
}

}  // namespace
}  // namespace qc::qom
