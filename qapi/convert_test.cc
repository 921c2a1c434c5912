// SPDX-License-Identifier: GPL-2.0-or-later
//
// The generated conversions, by way of types of the real schema.
#include "qapi/convert.h"

#include <gtest/gtest.h>

#include "qapi/generated/qapi_events_run_state.h"
#include "qapi/generated/qapi_visit_machine.h"
#include "qapi/generated/qapi_visit_migration.h"
#include "qapi/generated/qapi_visit_misc.h"
#include "qapi/generated/qapi_visit_yank.h"
#include "qapi/json_reader.h"
#include "qapi/json_writer.h"

namespace qc::qapi {
namespace {

template <typename T>
Result<T> from_json(std::string_view text) {
    return from_value<T>(TRY(parse_json(text)));
}

template <typename T>
std::string error_of(std::string_view text) {
    const Result<T> result = from_json<T>(text);
    return result ? "no error" : result.error().message();
}

// As JSON after reading and writing.
template <typename T>
std::string again(std::string_view text) {
    const Result<T> result = from_json<T>(text);
    return result ? to_json(to_value(*result)) : result.error().message();
}

TEST(Convert, struct_with_all_members_round_trips) {
    constexpr std::string_view kText =
        "{\"cpu-index\": 0, \"qom-path\": \"/machine\", \"thread-id\": 7, "
        "\"props\": {\"core-id\": 1}, \"target\": \"x86_64\"}";
    EXPECT_EQ(again<CpuInfoFast>(kText), kText);
}

TEST(Convert, optional_member_absent_is_empty_and_not_written) {
    const Result<MigrateArgs> args = from_json<MigrateArgs>("{'uri': 'tcp:a:1'}");
    ASSERT_TRUE(args);
    EXPECT_EQ(args->uri, "tcp:a:1");
    EXPECT_FALSE(args->detach.has_value());
    EXPECT_EQ(to_json(to_value(*args)), "{\"uri\": \"tcp:a:1\"}");
}

TEST(Convert, member_errors_name_the_member) {
    EXPECT_EQ(error_of<GetfdArgs>("{}"), "Parameter 'fdname' is missing");
    EXPECT_EQ(error_of<MigrateArgs>("{'uri': 1}"),
              "Invalid parameter type for 'uri', expected: string");
    EXPECT_EQ(error_of<MigrateArgs>("{'uri': 'x', 'foo': 1}"), "Parameter 'foo' is unexpected");
    EXPECT_EQ(error_of<MigrateArgs>("{'uri': 'x', 'detach': null}"),
              "Invalid parameter type for 'detach', expected: boolean");
}

TEST(Convert, nested_errors_name_the_whole_path) {
    using Args = MigrateSetCapabilitiesArgs;
    EXPECT_EQ(error_of<Args>("{'capabilities': {}}"),
              "Invalid parameter type for 'capabilities', expected: array");
    EXPECT_EQ(error_of<Args>("{'capabilities': [5]}"),
              "Invalid parameter type for 'capabilities[0]', expected: object");
    EXPECT_EQ(error_of<Args>("{'capabilities': [{'capability': 'events', 'state': 1}]}"),
              "Invalid parameter type for 'capabilities[0].state', expected: boolean");
    EXPECT_EQ(error_of<Args>("{'capabilities': [{'capability': 'events'}]}"),
              "Parameter 'capabilities[0].state' is missing");
    EXPECT_EQ(error_of<Args>("{'capabilities': [{'capability': 'events', 'state': true, 'z': 1}]}"),
              "Parameter 'capabilities[0].z' is unexpected");
}

TEST(Convert, enum_with_unknown_value_names_it) {
    EXPECT_EQ(error_of<MigrateSetCapabilitiesArgs>(
                  "{'capabilities': [{'capability': 'zork', 'state': true}]}"),
              "Parameter 'capability' does not accept value 'zork'");
}

TEST(Convert, enum_strings_and_values_correspond) {
    EXPECT_EQ(to_string(MigrationCapability::kXColo), "x-colo");
    EXPECT_EQ(parse_migration_capability("x-colo"), MigrationCapability::kXColo);
    EXPECT_EQ(parse_migration_capability("X-COLO"), std::nullopt);
    for (size_t i = 0; i < kMigrationCapabilityCount; ++i) {
        const auto value = static_cast<MigrationCapability>(i);
        EXPECT_EQ(parse_migration_capability(to_string(value)), value);
    }
}

TEST(Convert, integers_out_of_range_name_the_type) {
    using P = MigrateSetParameters;
    EXPECT_EQ(error_of<P>("{'multifd-channels': 300}"),
              "Parameter 'multifd-channels' expects uint8_t");
    EXPECT_EQ(error_of<P>("{'multifd-channels': -1}"),
              "Parameter 'multifd-channels' expects uint8_t");
    EXPECT_EQ(error_of<P>("{'multifd-channels': 'x'}"),
              "Parameter 'multifd-channels' expects uint64");
    EXPECT_EQ(error_of<P>("{'x-checkpoint-delay': 5000000000}"),
              "Parameter 'x-checkpoint-delay' expects uint32_t");
    EXPECT_EQ(error_of<P>("{'max-bandwidth': 1.5}"), "Parameter 'max-bandwidth' expects uint64");
    EXPECT_EQ(error_of<P>("{'max-bandwidth': 18446744073709551615}"), "no error");
    EXPECT_EQ(error_of<CpuInstanceProperties>("{'core-id': 'x'}"),
              "Invalid parameter type for 'core-id', expected: integer");
}

TEST(Convert, alternate_takes_each_of_its_types) {
    using P = MigrateSetParameters;
    EXPECT_EQ(std::get<std::string>(from_json<P>("{'tls-creds': 'a'}")->tls_creds->value), "a");
    EXPECT_TRUE(
        std::holds_alternative<Null>(from_json<P>("{'tls-creds': null}")->tls_creds->value));
    EXPECT_EQ(error_of<P>("{'tls-creds': 5}"),
              "Invalid parameter type for 'tls-creds', expected: StrOrNull");
    EXPECT_EQ(again<P>("{'tls-creds': null}"), "{\"tls-creds\": null}");
}

TEST(Convert, union_reads_the_members_of_its_branch_only) {
    const Result<YankArgs> args = from_json<YankArgs>(
        "{'instances': [{'type': 'migration'}, {'id': 'c0', 'type': 'chardev'}]}");
    ASSERT_TRUE(args);
    EXPECT_EQ(args->instances[0].type, YankInstanceType::kMigration);
    EXPECT_EQ(args->instances[1].chardev->id, "c0");
    EXPECT_EQ(error_of<YankArgs>("{'instances': [{'type': 'migration', 'id': 'd'}]}"),
              "Parameter 'instances[0].id' is unexpected");
    EXPECT_EQ(error_of<YankArgs>("{'instances': [{'type': 'chardev'}]}"),
              "Parameter 'instances[0].id' is missing");
    EXPECT_EQ(error_of<YankArgs>("{'instances': [{}]}"),
              "Parameter 'instances[0].type' is missing");
    EXPECT_EQ(error_of<YankArgs>("{'instances': [{'type': 'zork'}]}"),
              "Parameter 'type' does not accept value 'zork'");
}

TEST(Convert, union_is_written_flat) {
    const SocketAddress address{.type = SocketAddressType::kInet,
                                .inet = InetSocketAddress{.host = "::1", .port = "9"}};
    EXPECT_EQ(to_json(to_value(address)),
              "{\"type\": \"inet\", \"host\": \"::1\", \"port\": \"9\"}");
}

class LastEvent final : public EventSink {
 public:
    void emit(std::string_view name, std::optional<Object> data) override {
        text = std::string(name) + (data ? " " + to_json(*data) : "");
    }
    std::string text;
};

TEST(Events, emit_gives_name_and_data) {
    LastEvent sink;
    emit_shutdown(sink, {.guest = true, .reason = ShutdownCause::kGuestShutdown});
    EXPECT_EQ(sink.text, "SHUTDOWN {\"guest\": true, \"reason\": \"guest-shutdown\"}");
    emit_stop(sink);
    EXPECT_EQ(sink.text, "STOP");
}

}  // namespace
}  // namespace qc::qapi
