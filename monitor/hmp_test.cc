// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp.h"

#include <gtest/gtest.h>

#include "monitor/test_support.h"
#include "qapi/generated/qapi_commands_control.h"
#include "qapi/generated/qapi_commands_qom.h"
#include "qapi/generated/qapi_visit_migration.h"
#include "qapi/generated/qapi_visit_run_state.h"
#include "qapi/json_writer.h"
#include "qom/object_tree.h"

namespace qc::monitor {
namespace {

Result<qapi::Value> run_status(MonitorContext&, const qapi::Object&) {
    return to_value(qapi::StatusInfo{.running = false, .status = qapi::RunState::kPrelaunch});
}
Result<qapi::Value> run_ok(MonitorContext&, const qapi::Object&) {
    return qapi::Value(qapi::Object());
}
// Shows what it was called with.
Result<qapi::Value> run_show(MonitorContext&, const qapi::Object& args) {
    return fail("called with {}", qapi::to_json(args));
}
Result<qapi::Value> run_migration(MonitorContext&, const qapi::Object&) {
    qapi::MigrationInfo info{.status = qapi::MigrationStatus::kColo, .total_time = 12};
    info.ram = qapi::MigrationStats{.transferred = 2048, .dirty_sync_count = 3};
    info.socket_address = {{.type = qapi::SocketAddressType::kInet,
                            .inet = qapi::InetSocketAddress{.host = "::", .port = "9"}}};
    info.colo = qapi::ColoStatistics{
        .epoch = 5,
        .checkpoints = 4,
        .causes = {{.cause = qapi::ColoCause::kPeriod, .count = 4}},
        .phases = {{.phase = qapi::ColoPhase::kPause, .mean = 10, .p50 = 9, .p99 = 20, .max = 21}}};
    return to_value(info);
}
Result<qapi::Value> run_parameters(MonitorContext&, const qapi::Object&) {
    return to_value(qapi::MigrationParameters{
        .max_bandwidth = 7, .downtime_limit = 300, .x_colo_verify = false, .tls_creds = ""});
}
Result<qapi::Value> run_colo(MonitorContext&, const qapi::Object&) {
    return to_value(qapi::COLOStatus{.mode = qapi::COLOMode::kPrimary});
}

constexpr qapi::CommandDef kCommands[] = {
    {.name = "query-status", .invoke = run_status},
    {.name = "stop", .invoke = run_ok},
    {.name = "cont", .invoke = run_show},
    {.name = "migrate", .invoke = run_ok},
    {.name = "migrate-set-capabilities", .invoke = run_show},
    {.name = "migrate-set-parameters", .invoke = run_show},
    {.name = "query-migrate-parameters", .invoke = run_parameters},
    {.name = "query-migrate", .invoke = run_migration},
    {.name = "query-colo-status", .invoke = run_colo},
};

constexpr qom::PropertyDef kLampProperties[] = {
    {.name = "watts", .kind = qom::PropertyKind::kUint8, .default_value = 40u}};
constexpr qom::ObjectType kDeviceType{
    .name = "device", .parent = &qom::kObjectType, .abstract = true};
constexpr qom::ObjectType kLampType{
    .name = "lamp", .parent = &kDeviceType, .properties = kLampProperties};

class HmpTest : public testing::Test {
 protected:
    HmpTest() {
        commands.add(kCommands);
        commands.add(qapi::control_commands());
        commands.add(qapi::qom_commands());
    }

    std::string hmp(std::string_view line) {
        MonitorContext context = fixture.monitor.context_for(fds, state);
        return execute_hmp(context, line);
    }

    qapi::CommandTable commands;
    ContextFds fds;
    HumanState state;
    qom::TypeRegistry types;
    qom::Object machine{qom::kContainerType};
    qom::ObjectTree objects{machine};
    MonitorFixture fixture{commands, MonitorServices{.types = &types, .objects = &objects}};
};

TEST_F(HmpTest, empty_line_shows_nothing) {
    EXPECT_EQ(hmp(""), "");
    EXPECT_EQ(hmp("  "), "");
}

TEST_F(HmpTest, unknown_command_is_text) {
    EXPECT_EQ(hmp("foo bar"), "unknown command: 'foo'\r\n");
    EXPECT_EQ(hmp("info foo"), "unknown command: 'info foo'\r\n");
}

TEST_F(HmpTest, command_that_succeeds_shows_nothing) {
    EXPECT_EQ(hmp("stop"), "");
    EXPECT_EQ(hmp(" s "), "");
}

TEST_F(HmpTest, command_that_fails_shows_the_error) {
    EXPECT_EQ(hmp("cont"), "Error: called with {}\r\n");
}

TEST_F(HmpTest, wrong_words_point_to_help) {
    EXPECT_EQ(hmp("stop foo"),
              "stop|s: extraneous characters at the end of line\r\n"
              "Try \"help stop\" for more information\r\n");
    EXPECT_EQ(hmp("migrate"),
              "migrate: string expected\r\nTry \"help migrate\" for more information\r\n");
    EXPECT_EQ(hmp("migrate -z x"),
              "migrate: unsupported option -z\r\nTry \"help migrate\" for more information\r\n");
    EXPECT_EQ(hmp("migrate_set_capability x-colo"),
              "Expected 'on' or 'off'\r\n"
              "Try \"help migrate_set_capability\" for more information\r\n");
}

TEST_F(HmpTest, migrate_says_that_it_does_not_wait) {
    EXPECT_EQ(hmp("migrate tcp:a:1"),
              "terminal does not allow synchronous migration, continuing detached\r\n");
    EXPECT_EQ(hmp("migrate -d tcp:a:1"), "");
}

TEST_F(HmpTest, migrate_set_capability_reaches_qmp) {
    EXPECT_EQ(hmp("migrate_set_capability x-colo on"),
              "Error: called with {\"capabilities\": [{\"capability\": \"x-colo\", "
              "\"state\": true}]}\r\n");
    EXPECT_EQ(hmp("migrate_set_capability zork on"), "Error: invalid parameter value: zork\r\n");
}

TEST_F(HmpTest, migrate_set_parameter_converts_by_kind) {
    EXPECT_EQ(hmp("migrate_set_parameter max-bandwidth 2"),
              "Error: called with {\"max-bandwidth\": 2097152}\r\n");
    EXPECT_EQ(hmp("migrate_set_parameter max-bandwidth 64k"),
              "Error: called with {\"max-bandwidth\": 65536}\r\n");
    EXPECT_EQ(hmp("migrate_set_parameter x-checkpoint-delay 300"),
              "Error: called with {\"x-checkpoint-delay\": 300}\r\n");
    EXPECT_EQ(hmp("migrate_set_parameter x-colo-verify on"),
              "Error: called with {\"x-colo-verify\": true}\r\n");
    EXPECT_EQ(hmp("migrate_set_parameter mode normal"),
              "Error: called with {\"mode\": \"normal\"}\r\n");
}

TEST_F(HmpTest, info_status_names_the_state) {
    EXPECT_EQ(hmp("info status"), "VM status: paused (prelaunch)\r\n");
}

TEST_F(HmpTest, info_migrate_shows_status_ram_and_address) {
    const std::string text = hmp("info migrate");
    for (const char* part :
         {"Migration status: colo\r\n", "total time: 12 ms\r\n", "transferred ram: 2 kbytes\r\n",
          "dirty sync count: 3\r\n", "\ttcp::::9\r\n", "colo checkpoints: 4"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
    }
}

TEST_F(HmpTest, info_migrate_parameters_shows_units) {
    EXPECT_EQ(hmp("info migrate_parameters"),
              "max-bandwidth: 7 bytes/second\r\ndowntime-limit: 300 ms\r\n"
              "x-colo-verify: off\r\ntls-creds: ''\r\n");
}

TEST_F(HmpTest, info_colo_shows_role_causes_and_phases) {
    const std::string text = hmp("info colo");
    for (const char* part : {"mode: primary\r\n", "epoch: 5\r\n", "  by period: 4\r\n",
                             "pause            10        9       20       21\r\n"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
    }
}

TEST_F(HmpTest, info_without_handler_is_an_error_text) {
    EXPECT_EQ(hmp("info name"), "Error: The command query-name has not been found\r\n");
}

TEST_F(HmpTest, help_lists_every_command_and_info) {
    EXPECT_NE(hmp("help").find("\r\nmigrate [-d] uri -- "), std::string::npos);
    EXPECT_NE(hmp("help info").find("info status -- "), std::string::npos);
    EXPECT_TRUE(hmp("help migrate").starts_with("migrate [-d] uri -- "));
    EXPECT_TRUE(hmp("help info colo").starts_with("info colo -- "));
    EXPECT_EQ(hmp("help zork"), "unknown command: 'zork'\r\n");
}

TEST_F(HmpTest, info_qtree_and_qom_tree_show_the_objects) {
    qom::Object lamp(kLampType);
    ASSERT_TRUE(objects.peripheral().attach("l0", lamp));
    EXPECT_EQ(hmp("info qtree"),
              "bus: main-system-bus\r\n  type System\r\n"
              "  dev: lamp, id \"l0\"\r\n    watts = 40\r\n");
    EXPECT_EQ(hmp("info qom-tree /machine/peripheral"),
              "/peripheral (container)\r\n  /l0 (lamp)\r\n");
    EXPECT_EQ(hmp("info qom-tree zork"), "Error: Device 'zork' not found\r\n");
}

TEST_F(HmpTest, qom_list_and_get_go_through_qmp) {
    qom::Object lamp(kLampType);
    ASSERT_TRUE(objects.peripheral().attach("l0", lamp));
    EXPECT_EQ(hmp("qom-list l0"), "type (string)\r\nwatts (uint8)\r\n");
    EXPECT_EQ(hmp("qom-get l0 watts"), "40\r\n");
    EXPECT_EQ(hmp("qom-get \"l0\" foo"), "Error: Property 'lamp.foo' not found\r\n");
}

}  // namespace
}  // namespace qc::monitor
