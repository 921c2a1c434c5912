// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/object_tree.h"

#include <gtest/gtest.h>

namespace qc::qom {
namespace {

class ObjectTreeTest : public testing::Test {
 protected:
    std::string path_of(std::string_view path) {
        const Result<Object*> object = tree.resolve(path);
        return object ? (*object)->path() : object.error().message();
    }

    Object machine{kContainerType};
    ObjectTree tree{machine};
    Object device{kContainerType};
};

TEST_F(ObjectTreeTest, resolve_absolute_path_finds_object) {
    ASSERT_TRUE(tree.peripheral().attach("e0", device));
    EXPECT_EQ(path_of("/"), "/");
    EXPECT_EQ(path_of("/machine/peripheral/e0"), "/machine/peripheral/e0");
    EXPECT_EQ(path_of("//machine//peripheral/e0/"), "/machine/peripheral/e0");
}

TEST_F(ObjectTreeTest, resolve_partial_path_finds_the_only_match) {
    ASSERT_TRUE(tree.peripheral().attach("e0", device));
    EXPECT_EQ(path_of("e0"), "/machine/peripheral/e0");
    EXPECT_EQ(path_of("peripheral/e0"), "/machine/peripheral/e0");
}

TEST_F(ObjectTreeTest, resolve_partial_path_with_two_matches_is_ambiguous) {
    Object other(kContainerType);
    ASSERT_TRUE(tree.peripheral().attach("e0", device));
    ASSERT_TRUE(tree.objects().attach("e0", other));
    EXPECT_EQ(path_of("e0"), "Path 'e0' is ambiguous");
    EXPECT_EQ(path_of("objects/e0"), "/objects/e0");
}

TEST_F(ObjectTreeTest, resolve_empty_path_is_ambiguous) {
    EXPECT_EQ(path_of(""), "Path '' is ambiguous");
}

TEST_F(ObjectTreeTest, resolve_unknown_path_is_device_not_found) {
    const Result<Object*> object = tree.resolve("/machine/nosuch");
    ASSERT_FALSE(object);
    EXPECT_EQ(object.error().message(), "Device '/machine/nosuch' not found");
    EXPECT_EQ(object.error().error_class(), ErrorClass::kDeviceNotFound);
    EXPECT_EQ(path_of("nosuch"), "Device 'nosuch' not found");
}

TEST_F(ObjectTreeTest, resolve_through_a_link_finds_its_target) {
    ASSERT_TRUE(tree.peripheral().attach("e0", device));
    machine.set_link("nic", kContainerType, &device);
    EXPECT_EQ(path_of("/machine/nic"), "/machine/peripheral/e0");
}

}  // namespace
}  // namespace qc::qom
