// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/qmp_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "monitor/test_support.h"
#include "qapi/generated/qapi_commands_control.h"

namespace qc::monitor {
namespace {

Result<qapi::Value> run_echo(MonitorContext&, const qapi::Object& args) {
    return qapi::Value(args);
}
Result<qapi::Value> run_fail(MonitorContext&, const qapi::Object&) {
    return fail_class(ErrorClass::kDeviceNotFound, "Device 'x' not found");
}
Result<qapi::Value> run_big(MonitorContext&, const qapi::Object&) {
    return qapi::Value(std::string(size_t{2} << 20, 'x'));
}
Result<qapi::Value> run_event(MonitorContext& context, const qapi::Object&) {
    context.monitor.emit("TOLD", std::nullopt);
    return qapi::Value(qapi::Object());
}
// The client goes and the next one comes while its command is executed.
Result<qapi::Value> run_reconnect(MonitorContext& context, const qapi::Object&) {
    context.session->closed();
    context.session->opened();
    return qapi::Value("for the one before");
}

constexpr qapi::CommandDef kCommands[] = {
    {.name = "echo", .invoke = run_echo},
    {.name = "fail", .invoke = run_fail},
    {.name = "big", .invoke = run_big},
    {.name = "event", .invoke = run_event},
    {.name = "reconnect", .invoke = run_reconnect},
    {.name = "oob-echo", .invoke = run_echo, .allow_oob = true},
    {.name = "silent", .invoke = run_echo, .success_response = false},
};

std::string error(std::string_view error_class, std::string_view text) {
    return fmt::format("{{\"error\": {{\"class\": \"{}\", \"desc\": \"{}\"}}}}\n", error_class,
                       text);
}
std::string generic(std::string_view text) {
    return error("GenericError", text);
}

class QmpSessionTest : public testing::Test {
 protected:
    QmpSessionTest() {
        commands.add(kCommands);
        commands.add(qapi::control_commands());
    }

    // Opens the session and negotiates.
    void connect(std::string_view enable = "[]") {
        fixture.session.opened();
        fixture.settle();
        fixture.say(
            fmt::format("{{'execute':'qmp_capabilities','arguments':{{'enable':{}}}}}\n", enable));
    }
    std::string say(std::string_view text) { return fixture.say(text); }

    qapi::CommandTable commands;
    MonitorFixture fixture{commands};
};

TEST_F(QmpSessionTest, opened_sends_the_greeting) {
    fixture.session.opened();
    EXPECT_EQ(fixture.transport.written,
              "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 9, \"minor\": 0, \"micro\": 1}, "
              "\"package\": \"test\"}, \"capabilities\": [\"oob\"]}}\r\n");
}

TEST_F(QmpSessionTest, command_before_negotiation_is_not_found) {
    fixture.session.opened();
    fixture.transport.take();
    const std::string refusal =
        error("CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'");
    EXPECT_EQ(say("{'execute':'echo'}\n"), refusal);
    EXPECT_EQ(say("{'execute':'no-such-cmd'}\n"), refusal);
}

TEST_F(QmpSessionTest, negotiation_twice_is_not_found) {
    connect();
    EXPECT_EQ(
        say("{'execute':'qmp_capabilities'}\n"),
        error("CommandNotFound", "Capabilities negotiation is already complete, command ignored"));
}

TEST_F(QmpSessionTest, negotiation_of_unknown_capability_fails_and_may_be_repeated) {
    fixture.session.opened();
    fixture.transport.take();
    EXPECT_EQ(say("{'execute':'qmp_capabilities','arguments':{'enable':['foo']}}\n"),
              generic("Parameter 'enable[0]' does not accept value 'foo'"));
    EXPECT_EQ(say("{'execute':'qmp_capabilities'}\n"), "{\"return\": {}}\n");
}

TEST_F(QmpSessionTest, command_is_answered_with_its_id) {
    connect();
    EXPECT_EQ(say("{'execute':'echo','arguments':{'a':1},'id':[1,'x']}\n"),
              "{\"return\": {\"a\": 1}, \"id\": [1, \"x\"]}\n");
}

TEST_F(QmpSessionTest, command_that_fails_is_answered_with_class_and_id) {
    connect();
    EXPECT_EQ(say("{'execute':'fail','id':null}"),
              "{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"Device 'x' not found\"}, "
              "\"id\": null}\n");
}

TEST_F(QmpSessionTest, unknown_command_is_not_found) {
    connect();
    EXPECT_EQ(say("{'execute':'no-such-cmd'}\n"),
              error("CommandNotFound", "The command no-such-cmd has not been found"));
}

TEST_F(QmpSessionTest, command_without_success_response_says_nothing) {
    connect();
    EXPECT_EQ(say("{'execute':'silent'}\n"), "");
}

TEST_F(QmpSessionTest, malformed_requests_are_refused_in_qemus_words) {
    connect("['oob']");
    struct Case {
        const char* text;
        const char* error;
    };
    constexpr Case kCases[] = {
        {"{'execute':1}", "QMP input member 'execute' must be a string"},
        {"{'exec-oob':1}", "QMP input member 'exec-oob' must be a string"},
        {"{'execute':'echo','exec-oob':'echo'}",
         "QMP input member 'execute' clashes with 'exec-oob'"},
        {"{'arguments':{}}", "QMP input lacks member 'execute'"},
        {"{'execute':'echo','arguments':1}", "QMP input member 'arguments' must be an object"},
        {"{'execute':'echo','foo':1}", "QMP input member 'foo' is unexpected"},
        {"[1]", "QMP input must be a JSON object"},
        {"1 ", "QMP input must be a JSON object"},
        {"{ 'execute': }", "JSON parse error, expecting value"},
        {"%p\n", "JSON parse error, stray '%'"},
        {"{'exec-oob':'echo'}", "The command echo does not support OOB"},
    };
    for (const Case& c : kCases)
        EXPECT_EQ(say(c.text), generic(c.error)) << c.text;
}

TEST_F(QmpSessionTest, malformed_request_with_id_is_answered_with_it) {
    connect();
    EXPECT_EQ(say("{'execute':'echo','foo':1,'id':7}"),
              "{\"error\": {\"class\": \"GenericError\", "
              "\"desc\": \"QMP input member 'foo' is unexpected\"}, \"id\": 7}\n");
}

TEST_F(QmpSessionTest, command_behind_garbage_is_answered) {
    connect();
    EXPECT_EQ(say("{\x01{'execute':'echo'}\n"),
              generic("JSON parse error, stray byte 0x01") + "{\"return\": {}}\n");
    EXPECT_EQ(say("\xff"), generic("JSON parse error, stray byte 0xff"));
    EXPECT_EQ(say("\n{'execute':'echo'}"), "{\"return\": {}}\n");
}

TEST_F(QmpSessionTest, exec_oob_without_the_capability_is_unexpected) {
    connect();
    EXPECT_EQ(say("{'exec-oob':'oob-echo'}\n"),
              generic("QMP input member 'exec-oob' is unexpected"));
}

TEST_F(QmpSessionTest, exec_oob_overtakes_commands_that_wait) {
    connect("['oob']");
    fixture.session.received(
        "{'execute':'echo','id':1}{'execute':'fail','foo':1,'id':2}{'exec-oob':'oob-echo','id':3}");
    EXPECT_EQ(fixture.transport.take(), "{\"return\": {}, \"id\": 3}\n");
    fixture.settle();
    EXPECT_EQ(fixture.transport.take(),
              "{\"return\": {}, \"id\": 1}\n"
              "{\"error\": {\"class\": \"GenericError\", \"desc\": "
              "\"QMP input member 'foo' is unexpected\"}, \"id\": 2}\n");
}

TEST_F(QmpSessionTest, with_oob_eight_commands_wait_and_then_nothing_is_read) {
    connect("['oob']");
    for (int i = 0; i < 8; ++i)
        fixture.session.received("{'execute':'echo'}\n");
    EXPECT_FALSE(fixture.transport.reading);
    fixture.session.received("{'exec-oob':'oob-echo','id':'late'}");
    EXPECT_EQ(fixture.transport.take(), "");
    fixture.settle();
    EXPECT_TRUE(fixture.transport.reading);
    EXPECT_NE(fixture.transport.take().find("late"), std::string::npos);
}

TEST_F(QmpSessionTest, without_oob_the_next_command_waits_for_the_answer) {
    connect();
    fixture.session.received("{'execute':'echo','id':1}{'execute':'echo','id':2}");
    EXPECT_FALSE(fixture.transport.reading);
    fixture.main_loop->run_once(0);
    fixture.io_loop->run_once(0);
    EXPECT_EQ(fixture.transport.take(), "{\"return\": {}, \"id\": 1}\n");
    fixture.settle();
    EXPECT_EQ(fixture.transport.take(), "{\"return\": {}, \"id\": 2}\n");
    EXPECT_TRUE(fixture.transport.reading);
}

TEST_F(QmpSessionTest, event_during_a_command_comes_before_its_answer) {
    connect();
    fixture.clock.advance_ns(3'000'007'000);
    EXPECT_EQ(say("{'execute':'event'}"),
              "{\"timestamp\": {\"seconds\": 3, \"microseconds\": 7}, \"event\": \"TOLD\"}\n"
              "{\"return\": {}}\n");
}

TEST_F(QmpSessionTest, event_goes_to_negotiated_sessions_only) {
    FakeTransport other_transport;
    QmpSession& other = fixture.monitor.add_session(other_transport);
    other.opened();
    other_transport.take();
    connect();
    qapi::Object data;
    data.set("a", 1);
    fixture.monitor.emit("NEWS", data);
    fixture.settle();
    EXPECT_NE(fixture.transport.take().find("\"event\": \"NEWS\", \"data\": {\"a\": 1}}"),
              std::string::npos);
    EXPECT_EQ(other_transport.take(), "");
}

TEST_F(QmpSessionTest, event_with_a_limited_rate_is_sent_once_a_second) {
    connect();
    for (int offset = 1; offset <= 3; ++offset) {
        qapi::Object data;
        data.set("offset", offset);
        fixture.monitor.emit("RTC_CHANGE", data);
        fixture.clock.advance_ns(1000);
    }
    fixture.settle();
    EXPECT_EQ(fixture.transport.take(),
              "{\"timestamp\": {\"seconds\": 0, \"microseconds\": 0}, \"event\": "
              "\"RTC_CHANGE\", \"data\": {\"offset\": 1}}\n");
    EXPECT_EQ(fixture.called_at_ns, 1'000'000'000);
    fixture.clock.advance_ns(1'000'000'000);
    fixture.monitor.send_kept_events();
    fixture.settle();
    // With the time at which it happened.
    EXPECT_EQ(fixture.transport.take(),
              "{\"timestamp\": {\"seconds\": 0, \"microseconds\": 2}, \"event\": "
              "\"RTC_CHANGE\", \"data\": {\"offset\": 3}}\n");
}

TEST_F(QmpSessionTest, before_initialization_only_some_commands_are_there) {
    fixture.monitor.set_preconfig(true);
    connect();
    EXPECT_EQ(say("{'execute':'query-version'}").find("\"return\""), 1u);
    EXPECT_EQ(say("{'execute':'no-such-cmd'}"),
              error("CommandNotFound", "The command no-such-cmd has not been found"));
    EXPECT_EQ(say("{'execute':'echo','id':1}"),
              "{\"error\": {\"class\": \"GenericError\", \"desc\": \"The command 'echo' is "
              "permitted only after machine initialization has completed\"}, \"id\": 1}\n");
    fixture.monitor.set_preconfig(false);
    EXPECT_EQ(say("{'execute':'echo'}"), "{\"return\": {}}\n");
}

TEST_F(QmpSessionTest, client_that_does_not_read_is_not_read_from) {
    connect();
    fixture.transport.room = 0;
    say("{'execute':'big','id':1}");
    EXPECT_FALSE(fixture.transport.reading);
    EXPECT_FALSE(fixture.session.output_empty());
    fixture.transport.room = SIZE_MAX;
    fixture.session.can_write();
    EXPECT_TRUE(fixture.transport.reading);
    EXPECT_TRUE(fixture.session.output_empty());
    EXPECT_TRUE(fixture.transport.take().ends_with("\"id\": 1}\n"));
}

TEST_F(QmpSessionTest, client_that_does_not_read_is_told_how_many_events_it_lost) {
    connect();
    fixture.transport.room = 0;
    qapi::Object data;
    data.set("text", std::string(size_t{1} << 20, 'x'));
    for (int i = 0; i < 6; ++i)
        fixture.monitor.emit("NEWS", data);
    fixture.settle();
    fixture.transport.room = SIZE_MAX;
    fixture.session.can_write();
    EXPECT_TRUE(fixture.transport.take().ends_with(
        "\"event\": \"MONITOR_EVENTS_LOST\", \"data\": {\"count\": 3}}\n"));
}

TEST_F(QmpSessionTest, short_writes_keep_the_order) {
    connect();
    fixture.transport.room = 5;
    std::string seen = say("{'execute':'echo','id':'abc'}");
    for (int i = 0; i < 10; ++i) {
        fixture.transport.room = 7;
        fixture.session.can_write();
        seen += fixture.transport.take();
    }
    EXPECT_EQ(seen, "{\"return\": {}, \"id\": \"abc\"}\n");
}

TEST_F(QmpSessionTest, next_client_starts_anew_and_gets_no_old_answer) {
    connect("['oob']");
    fixture.session.received("{'execute':'echo','id':'old'}{'execute':");
    fixture.session.closed();
    fixture.session.opened();
    fixture.settle();
    EXPECT_EQ(fixture.transport.take().find("old"), std::string::npos);
    EXPECT_EQ(say("{'exec-oob':'oob-echo'}"), generic("QMP input member 'exec-oob' is unexpected"));
    EXPECT_EQ(say("{'execute':'qmp_capabilities'}"), "{\"return\": {}}\n");
}

TEST_F(QmpSessionTest, client_that_comes_during_a_command_waits_for_its_end) {
    connect();
    fixture.session.received("{'execute':'reconnect'}");
    fixture.main_loop->run_once(0);
    EXPECT_TRUE(fixture.transport.take().starts_with("{\"QMP\""));
    EXPECT_FALSE(fixture.transport.reading);
    fixture.settle();
    EXPECT_TRUE(fixture.transport.reading);
    EXPECT_EQ(fixture.transport.take(), "");
}

TEST_F(QmpSessionTest, received_while_closed_is_ignored) {
    EXPECT_EQ(say("{'execute':'echo'}"), "");
}

}  // namespace
}  // namespace qc::monitor
