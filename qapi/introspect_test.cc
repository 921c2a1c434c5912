// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/generated/qapi_introspection.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "qapi/generated/qapi_visit_introspect.h"
#include "qapi/json_reader.h"

namespace qc::qapi {
namespace {

class IntrospectTest : public testing::Test {
 protected:
    void SetUp() override {
        const Result<Value> json = parse_json(introspection_json());
        ASSERT_TRUE(json) << json.error().message();
        auto entities = from_value<std::vector<SchemaInfo>>(*json);
        ASSERT_TRUE(entities) << entities.error().message();
        schema = *std::move(entities);
    }

    const SchemaInfo* find(std::string_view name) const {
        for (const SchemaInfo& info : schema) {
            if (info.name == name) return &info;
        }
        return nullptr;
    }

    std::vector<SchemaInfo> schema;
};

TEST_F(IntrospectTest, every_name_is_there_once) {
    std::set<std::string> names;
    for (const SchemaInfo& info : schema)
        EXPECT_TRUE(names.insert(info.name).second) << info.name;
}

TEST_F(IntrospectTest, every_type_referred_to_is_there) {
    const auto expect = [&](const std::string& name) { EXPECT_NE(find(name), nullptr) << name; };
    for (const SchemaInfo& info : schema) {
        if (info.array) expect(info.array->element_type);
        if (info.command) expect(info.command->arg_type);
        if (info.command) expect(info.command->ret_type);
        if (info.event) expect(info.event->arg_type);
        if (!info.object) continue;
        for (const SchemaInfoObjectMember& member : info.object->members)
            expect(member.type);
        if (!info.object->variants) continue;
        for (const SchemaInfoObjectVariant& variant : *info.object->variants)
            expect(variant.type);
    }
}

TEST_F(IntrospectTest, types_of_the_schema_have_numbers_for_names) {
    for (const SchemaInfo& info : schema) {
        if (info.enum_ || info.object || info.alternate) {
            EXPECT_EQ(info.name.find_first_not_of("0123456789"), std::string::npos) << info.name;
        }
    }
}

TEST_F(IntrospectTest, yank_is_allowed_out_of_band_and_migrate_is_not) {
    ASSERT_NE(find("yank"), nullptr);
    EXPECT_EQ(find("yank")->command->allow_oob, true);
    EXPECT_EQ(find("migrate")->command->allow_oob, std::nullopt);
}

TEST_F(IntrospectTest, optional_members_have_a_default) {
    const SchemaInfo* args = find(find("human-monitor-command")->command->arg_type);
    ASSERT_NE(args, nullptr);
    EXPECT_FALSE(args->object->members[0].default_.has_value());
    EXPECT_TRUE(args->object->members[1].default_.has_value());
}

TEST_F(IntrospectTest, capability_x_colo_is_marked_unstable) {
    const SchemaInfo* args = find(find("migrate-set-capabilities")->command->arg_type);
    const SchemaInfo* list = find(args->object->members[0].type);
    const SchemaInfo* status = find(list->array->element_type);
    const SchemaInfo* capability = find(status->object->members[0].type);
    for (const SchemaInfoEnumMember& member : capability->enum_->members) {
        if (member.name == "x-colo") {
            EXPECT_EQ(member.features, std::vector<std::string>{"unstable"});
            return;
        }
    }
    FAIL() << "no capability x-colo";
}

}  // namespace
}  // namespace qc::qapi
