// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "monitor/test_support.h"
#include "qapi/generated/qapi_commands_control.h"
#include "qapi/generated/qapi_commands_introspect.h"
#include "qapi/generated/qapi_commands_qom.h"
#include "qom/object_tree.h"

// The system's; no test here calls it.
qc::Result<void> qc::qapi::qmp_quit(monitor::MonitorContext&) {
    return {};
}

namespace qc::monitor {
namespace {

constexpr qom::PropertyDef kLampProperties[] = {
    {.name = "watts",
     .kind = qom::PropertyKind::kUint8,
     .description = "how bright",
     .default_value = 40u},
    {.name = "maker"},
    {.name = "realized",
     .kind = qom::PropertyKind::kBool,
     .access = qom::PropertyAccess::kReadOnly},
};
constexpr qom::ObjectType kDeviceType{
    .name = "device", .parent = &qom::kObjectType, .abstract = true};
constexpr qom::ObjectType kLampType{
    .name = "lamp", .parent = &kDeviceType, .properties = kLampProperties};

class QmpQomTest : public testing::Test {
 protected:
    QmpQomTest() {
        commands.add(qapi::control_commands());
        commands.add(qapi::introspect_commands());
        commands.add(qapi::qom_commands());
        types.add(kLampType);
        fixture.session.opened();
        fixture.settle();
        fixture.say("{'execute':'qmp_capabilities'}");
        EXPECT_TRUE(objects.peripheral().attach("l0", lamp));
    }

    // The answer to a command, without its frame.
    std::string ask(std::string_view command, std::string_view arguments = "{}") {
        return fixture.say(fmt::format("{{'execute':'{}','arguments':{}}}", command, arguments));
    }

    qapi::CommandTable commands;
    qom::TypeRegistry types;
    qom::Object machine{qom::kContainerType};
    qom::ObjectTree objects{machine};
    qom::Object lamp{kLampType};
    MonitorFixture fixture{commands, MonitorServices{.types = &types, .objects = &objects}};
};

TEST_F(QmpQomTest, qom_list_shows_properties_and_children) {
    EXPECT_EQ(ask("qom-list", "{'path':'/machine/peripheral'}"),
              "{\"return\": [{\"name\": \"type\", \"type\": \"string\"}, "
              "{\"name\": \"l0\", \"type\": \"child<lamp>\"}]}\n");
}

TEST_F(QmpQomTest, qom_list_of_unknown_path_is_device_not_found) {
    EXPECT_EQ(ask("qom-list", "{'path':'nosuch'}"),
              "{\"error\": {\"class\": \"DeviceNotFound\", "
              "\"desc\": \"Device 'nosuch' not found\"}}\n");
}

TEST_F(QmpQomTest, qom_get_returns_the_value) {
    EXPECT_EQ(ask("qom-get", "{'path':'l0','property':'watts'}"), "{\"return\": 40}\n");
}

TEST_F(QmpQomTest, qom_set_of_fixed_property_is_refused) {
    EXPECT_EQ(ask("qom-set", "{'path':'l0','property':'watts','value':1}"),
              "{\"error\": {\"class\": \"GenericError\", \"desc\": \"Attempt to set property "
              "'watts' on device 'l0' (type 'lamp') after it was realized\"}}\n");
}

TEST_F(QmpQomTest, qom_list_types_filters_by_ancestor_and_abstractness) {
    EXPECT_EQ(ask("qom-list-types", "{'implements':'device'}"),
              "{\"return\": [{\"name\": \"lamp\", \"parent\": \"device\"}]}\n");
    EXPECT_EQ(ask("qom-list-types", "{'implements':'device','abstract':true}"),
              "{\"return\": [{\"name\": \"device\", \"abstract\": true, \"parent\": \"object\"}, "
              "{\"name\": \"lamp\", \"parent\": \"device\"}]}\n");
    EXPECT_EQ(ask("qom-list-types", "{'implements':'zork'}"), "{\"return\": []}\n");
}

TEST_F(QmpQomTest, device_list_properties_shows_what_device_takes) {
    EXPECT_EQ(ask("device-list-properties", "{'typename':'lamp'}"),
              "{\"return\": [{\"name\": \"watts\", \"type\": \"uint8\", \"description\": "
              "\"how bright\", \"default-value\": 40}, {\"name\": \"maker\", \"type\": "
              "\"str\"}]}\n");
    EXPECT_EQ(ask("device-list-properties", "{'typename':'device'}"),
              "{\"error\": {\"class\": \"GenericError\", \"desc\": "
              "\"Parameter 'typename' expects a non-abstract device type\"}}\n");
}

TEST_F(QmpQomTest, qom_list_properties_of_unknown_type_is_device_not_found) {
    EXPECT_EQ(ask("qom-list-properties", "{'typename':'zork'}"),
              "{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": "
              "\"Class 'zork' not found\"}}\n");
}

TEST_F(QmpQomTest, query_commands_and_schema_answer) {
    EXPECT_NE(ask("query-commands").find("{\"name\": \"qom-list\"}"), std::string::npos);
    EXPECT_NE(ask("query-qmp-schema").find("\"name\": \"migrate\""), std::string::npos);
    EXPECT_NE(ask("query-version").find("\"package\": \"test\""), std::string::npos);
}

TEST_F(QmpQomTest, human_monitor_command_returns_text) {
    EXPECT_EQ(ask("human-monitor-command", "{'command-line':'zork'}"),
              "{\"return\": \"unknown command: 'zork'\\r\\n\"}\n");
}

}  // namespace
}  // namespace qc::monitor
