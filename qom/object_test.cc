// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/object.h"

#include <gtest/gtest.h>

#include <memory>

namespace qc::qom {
namespace {

constexpr PropertyDef kBaseProperties[] = {
    {.name = "realized", .kind = PropertyKind::kBool, .access = PropertyAccess::kReadOnly},
};
constexpr ObjectType kBase{
    .name = "base", .parent = &kObjectType, .abstract = true, .properties = kBaseProperties};

constexpr PropertyDef kLampProperties[] = {
    {.name = "watts", .kind = PropertyKind::kUint8, .default_value = 40u},
    {.name = "dimmed",
     .kind = PropertyKind::kBool,
     .default_value = false,
     .access = PropertyAccess::kReadWrite},
    {.name = "maker"},
};
constexpr ObjectType kLampType{.name = "lamp", .parent = &kBase, .properties = kLampProperties};

class Lamp final : public Object {
 public:
    using Object::Object;
    bool dimmed = false;

 protected:
    Result<qapi::Value> read_property(const PropertyDef& def) const override {
        if (def.name == "realized") return true;
        return dimmed;
    }
    Result<void> write_property(const PropertyDef&, const qapi::Value& value) override {
        dimmed = *value.as_bool();
        return {};
    }
};

std::string message(const auto& result) {
    return result ? "no error" : result.error().message();
}

TEST(Object, get_property_of_creation_property_returns_value_given) {
    PropertyValues values(kLampType);
    ASSERT_TRUE(values.set(kLampType, "watts", 60));
    const Lamp lamp(kLampType, values);
    EXPECT_EQ(*lamp.get_property("watts"), qapi::Value(60));
}

TEST(Object, get_property_unset_string_reads_as_empty) {
    const Lamp lamp(kLampType);
    EXPECT_EQ(*lamp.get_property("maker"), qapi::Value(""));
}

TEST(Object, get_property_computed_asks_the_object) {
    const Lamp lamp(kLampType);
    EXPECT_EQ(*lamp.get_property("realized"), qapi::Value(true));
}

TEST(Object, get_property_type_returns_type_name) {
    const Lamp lamp(kLampType);
    EXPECT_EQ(*lamp.get_property("type"), qapi::Value("lamp"));
}

TEST(Object, get_property_unknown_names_type_and_property) {
    const Lamp lamp(kLampType);
    EXPECT_EQ(message(lamp.get_property("foo")), "Property 'lamp.foo' not found");
}

TEST(Object, set_property_read_write_reaches_the_object) {
    Lamp lamp(kLampType);
    ASSERT_TRUE(lamp.set_property("dimmed", true));
    EXPECT_TRUE(lamp.dimmed);
}

TEST(Object, set_property_wrong_type_is_refused) {
    Lamp lamp(kLampType);
    EXPECT_EQ(message(lamp.set_property("dimmed", 1)),
              "Invalid parameter type for 'dimmed', expected: boolean");
    EXPECT_FALSE(lamp.dimmed);
}

TEST(Object, set_property_fixed_at_creation_is_refused) {
    Object parent(kContainerType);
    Lamp lamp(kLampType);
    ASSERT_TRUE(parent.attach("l0", lamp));
    EXPECT_EQ(message(lamp.set_property("watts", 1)),
              "Attempt to set property 'watts' on device 'l0' (type 'lamp') after it was realized");
}

TEST(Object, set_property_computed_is_not_writable) {
    Lamp lamp(kLampType);
    EXPECT_EQ(message(lamp.set_property("realized", false)),
              "Property 'lamp.realized' is not writable");
    EXPECT_EQ(message(lamp.set_property("type", "x")), "Property 'lamp.type' is not writable");
}

TEST(Object, attach_makes_path_and_child_property) {
    Object root(kContainerType);
    Object shelf(kContainerType);
    Lamp lamp(kLampType);
    ASSERT_TRUE(root.attach("shelf", shelf));
    ASSERT_TRUE(shelf.attach("l0", lamp));
    EXPECT_EQ(root.path(), "/");
    EXPECT_EQ(lamp.path(), "/shelf/l0");
    EXPECT_EQ(*shelf.get_property("l0"), qapi::Value("/shelf/l0"));
}

TEST(Object, attach_numbered_name_takes_first_free_number) {
    Object root(kContainerType);
    Lamp a(kLampType);
    Lamp c(kLampType);
    auto b = std::make_unique<Lamp>(kLampType);
    ASSERT_TRUE(root.attach("lamp[*]", a));
    ASSERT_TRUE(root.attach("lamp[*]", *b));
    b.reset();
    ASSERT_TRUE(root.attach("lamp[*]", c));
    EXPECT_EQ(a.name(), "lamp[0]");
    EXPECT_EQ(c.name(), "lamp[1]");
}

TEST(Object, attach_taken_name_is_refused) {
    Object root(kContainerType);
    Lamp a(kLampType);
    Lamp b(kLampType);
    ASSERT_TRUE(root.attach("l0", a));
    EXPECT_EQ(message(root.attach("l0", b)),
              "attempt to add duplicate property 'l0' to object (type 'container')");
    EXPECT_EQ(b.parent(), nullptr);
}

TEST(Object, attach_bad_names_are_refused) {
    Lamp parent(kLampType);
    Lamp child(kLampType);
    EXPECT_FALSE(parent.attach("", child));
    EXPECT_FALSE(parent.attach("a/b", child));
    EXPECT_FALSE(parent.attach("watts", child));
    EXPECT_FALSE(parent.attach("type", child));
}

TEST(Object, destroyed_child_leaves_its_parent) {
    Object root(kContainerType);
    {
        Lamp lamp(kLampType);
        ASSERT_TRUE(root.attach("l0", lamp));
    }
    EXPECT_TRUE(root.children().empty());
}

TEST(Object, destroyed_parent_frees_its_children) {
    Lamp lamp(kLampType);
    {
        Object root(kContainerType);
        ASSERT_TRUE(root.attach("l0", lamp));
    }
    EXPECT_EQ(lamp.parent(), nullptr);
    EXPECT_EQ(lamp.path(), "/");
}

TEST(Object, link_follows_target_and_clears_when_it_dies) {
    Object root(kContainerType);
    Lamp source(kLampType);
    {
        Lamp target(kLampType);
        ASSERT_TRUE(root.attach("t", target));
        source.set_link("peer", kLampType, &target);
        EXPECT_EQ(*source.get_property("peer"), qapi::Value("/t"));
    }
    EXPECT_EQ(source.link("peer"), nullptr);
    EXPECT_EQ(*source.get_property("peer"), qapi::Value(""));
}

TEST(Object, link_source_destroyed_first_leaves_target_sound) {
    Lamp target(kLampType);
    {
        Lamp source(kLampType);
        source.set_link("a", kLampType, &target);
        source.set_link("b", kLampType, &target);
        source.set_link("self", kLampType, &source);
    }
    Lamp later(kLampType);
    later.set_link("a", kLampType, &target);
    EXPECT_EQ(later.link("a"), &target);
}

TEST(Object, list_properties_shows_type_properties_links_children) {
    Lamp lamp(kLampType);
    Lamp child(kLampType);
    ASSERT_TRUE(lamp.attach("bulb", child));
    lamp.set_link("socket", kContainerType, nullptr);
    std::string seen;
    for (const Object::PropertyInfo& info : lamp.list_properties()) {
        seen += info.name + ":" + info.type + " ";
    }
    EXPECT_EQ(seen,
              "type:string watts:uint8 dimmed:bool maker:str realized:bool "
              "socket:link<container> bulb:child<lamp> ");
}

}  // namespace
}  // namespace qc::qom
