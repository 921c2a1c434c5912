// SPDX-License-Identifier: GPL-2.0-or-later
//
// QMP through the real binary: greeting, negotiation, errors, ids, events,
// several sessions, standard input and output.
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "tests/qtest/assertions.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {
namespace {

class Monitor : public ::testing::Test {
 protected:
    void SetUp() override {
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
        VmConfig config;
        config.paused = true;
        config.extra = {"-qmp", "unix:" + directory_->file("second") + ",server=on,wait=off"};
        vm_ = ASSERT_VALUE(Vm::start(config, *directory_));
    }

    Result<QmpClient> second_session() {
        return QmpClient::connect(directory_->file("second"), Deadline::in(kUsual));
    }

    Result<Json> raw(QmpClient& client, std::string_view bytes) {
        TRY(client.send_raw(bytes));
        return client.next_message(Deadline::in(kUsual));
    }

    QmpClient& qmp() { return vm_->qmp(); }
    Vm& vm() { return *vm_; }

 private:
    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> vm_;
};

std::string error_class(const Json& reply) {
    return reply.value("/error/class"_json_pointer, "no error");
}

TEST_F(Monitor, greeting_has_version_and_oob) {
    const Json& greeting = qmp().greeting();
    EXPECT_TRUE(greeting["QMP"]["version"]["qemu"]["major"].is_number_integer());
    EXPECT_EQ(greeting["QMP"]["capabilities"], Json::array({"oob"}));
}

TEST_F(Monitor, before_negotiation_other_commands_are_not_found) {
    QmpClient second = ASSERT_VALUE(second_session());
    const Json reply = ASSERT_VALUE(raw(second, "{\"execute\":\"query-status\",\"id\":1}\n"));
    EXPECT_EQ(error_class(reply), "CommandNotFound");
    EXPECT_EQ(reply["id"], 1);
    ASSERT_VALUE(second.negotiate());
    ASSERT_VALUE(second.execute("query-status"));
}

TEST_F(Monitor, negotiation_unknown_capability_is_refused) {
    QmpClient second = ASSERT_VALUE(second_session());
    EXPECT_FALSE(second.execute("qmp_capabilities", {{"enable", {"nosuch"}}}));
    ASSERT_VALUE(second.negotiate());
}

TEST_F(Monitor, negotiation_twice_is_not_found) {
    const Json reply = ASSERT_VALUE(raw(qmp(), "{\"execute\":\"qmp_capabilities\"}\n"));
    EXPECT_EQ(error_class(reply), "CommandNotFound");
}

TEST_F(Monitor, bad_input_is_an_error_and_session_goes_on) {
    const struct {
        const char* input;
        const char* error_class;
    } cases[] = {
        {"{\"execute\":\"no-such-cmd\"}\n", "CommandNotFound"},
        {"{\"execute\":}\n", "GenericError"},
        {"{\"arguments\":{}}\n", "GenericError"},
        {"{\"execute\":42}\n", "GenericError"},
        {"{\"execute\":\"query-status\",\"arguments\":[]}\n", "GenericError"},
        {"{\"execute\":\"query-status\",\"arguments\":{\"nosuch\":1}}\n", "GenericError"},
        {"{\"execute\":\"query-status\",\"nosuch\":1}\n", "GenericError"},
        {"[]\n", "GenericError"},
        {"\xff\n", "GenericError"},
    };
    for (const auto& bad : cases) {
        const Json reply = ASSERT_VALUE(raw(qmp(), bad.input));
        EXPECT_EQ(error_class(reply), bad.error_class) << bad.input;
    }
    ASSERT_VALUE(qmp().execute("query-status"));
}

TEST_F(Monitor, single_quotes_and_any_id_are_taken) {
    const Json reply =
        ASSERT_VALUE(raw(qmp(), "{ 'execute' : 'query-status' , 'id': {'a': [1, 'x']} }\n"));
    EXPECT_EQ(reply["id"], Json({{"a", {1, "x"}}}));
    EXPECT_TRUE(reply.contains("return"));
}

TEST_F(Monitor, message_in_pieces_is_one_message) {
    ASSERT_VALUE(qmp().send_raw("{\"exec"));
    ASSERT_VALUE(qmp().send_raw("ute\":\"query-"));
    const Json reply = ASSERT_VALUE(raw(qmp(), "status\"}\n"));
    EXPECT_TRUE(reply.contains("return"));
}

TEST_F(Monitor, commands_in_one_write_are_answered_in_order) {
    std::string all;
    for (int id = 0; id < 20; ++id) {
        all += fmt::format("{{\"execute\":\"query-status\",\"id\":{}}}\n", id);
    }
    ASSERT_VALUE(qmp().send_raw(all));
    for (int id = 0; id < 20; ++id) {
        EXPECT_EQ(ASSERT_VALUE(qmp().next_message(Deadline::in(kUsual)))["id"], id);
    }
}

TEST_F(Monitor, oob_of_command_without_oob_is_refused) {
    const auto reply = qmp().execute_oob("query-status", Json::object());
    ASSERT_FALSE(reply);
}

TEST_F(Monitor, query_yank_works_out_of_band) {
    EXPECT_TRUE(ASSERT_VALUE(qmp().execute_oob("query-yank", Json::object())).is_array());
}

TEST_F(Monitor, queries_tell_what_was_asked_for) {
    EXPECT_EQ(ASSERT_VALUE(qmp().execute("query-name"))["name"], "vm");
    EXPECT_EQ(ASSERT_VALUE(vm().run_state()), "prelaunch");
    const Json version = ASSERT_VALUE(qmp().execute("query-version"));
    EXPECT_EQ(version["qemu"], qmp().greeting()["QMP"]["version"]["qemu"]);
    const Json commands = ASSERT_VALUE(qmp().execute("query-commands"));
    for (const char* name : {"query-commands", "migrate", "x-colo-lost-heartbeat", "yank"}) {
        EXPECT_TRUE(std::ranges::find(commands, Json({{"name", name}})) != commands.end()) << name;
    }
    const Json schema = ASSERT_VALUE(qmp().execute("query-qmp-schema"));
    EXPECT_GT(schema.size(), 50U);
    const Json machines = ASSERT_VALUE(qmp().execute("query-machines"));
    EXPECT_TRUE(std::ranges::any_of(machines, [](const Json& machine) {
        return machine.value("alias", "") == "pc" || machine.value("name", "") == "pc";
    }));
}

const Json* named(const Json& list, std::string_view name) {
    auto found = std::ranges::find_if(
        list, [&](const Json& entry) { return entry.value("name", "") == name; });
    return found == list.end() ? nullptr : &*found;
}

TEST_F(Monitor, cpu_definitions_have_what_management_wants) {
    const Json models = ASSERT_VALUE(qmp().execute("query-cpu-definitions"));
    const Json* nehalem = named(models, "Nehalem");
    ASSERT_NE(nehalem, nullptr);
    EXPECT_EQ((*nehalem)["typename"], "Nehalem-x86_64-cpu");
    EXPECT_EQ((*nehalem)["alias-of"], "Nehalem-v1");
    EXPECT_EQ((*nehalem)["migration-safe"], true);
    EXPECT_EQ((*nehalem)["static"], false);
    EXPECT_EQ((*nehalem)["deprecated"], false);
    EXPECT_TRUE((*nehalem)["unavailable-features"].is_array());
    ASSERT_NE(named(models, "host"), nullptr);
    EXPECT_EQ((*named(models, "base"))["static"], true);
    EXPECT_EQ((*named(models, "qemu64-v1")).contains("alias-of"), false);
    const Json type = ASSERT_VALUE(qmp().execute(
        "qom-get", {{"path", "/machine/unattached/device[0]"}, {"property", "type"}}));
    EXPECT_EQ(type, "qemu64-x86_64-cpu");
}

TEST_F(Monitor, cpu_model_expands_to_its_properties) {
    auto expand = [&](std::string_view type, const Json& model) {
        return qmp().execute("query-cpu-model-expansion", {{"type", type}, {"model", model}});
    };
    const Json full = ASSERT_VALUE(
        expand("full", {{"name", "qemu64"}, {"props", {{"ssse3", true}, {"family", 6}}}}));
    EXPECT_EQ(full["model"]["name"], "qemu64");
    EXPECT_EQ(full["model"]["props"]["family"], 6);
    EXPECT_EQ(full["model"]["props"]["lm"], true);
    EXPECT_EQ(full["model"]["props"]["avx"], false);
    EXPECT_EQ(full["model"]["props"]["vendor"], "AuthenticAMD");
    const Json as_base = ASSERT_VALUE(expand("static", {{"name", "qemu64"}}));
    EXPECT_EQ(as_base["model"]["name"], "base");
    EXPECT_EQ(as_base["model"]["props"]["min-level"], 13);
    EXPECT_EQ(as_base["model"]["props"]["sse2"], true);

    struct {
        Json model;
        const char* error;
    } const kWrong[] = {
        {{{"name", "nix"}}, "CPU model 'nix' not found"},
        {{{"name", "qemu64"}, {"props", {{"foo", true}}}},
         "Property 'qemu64-x86_64-cpu.foo' not found"},
        {{{"name", "qemu64"}, {"props", {{"avx", 3}}}},
         "Invalid parameter type for 'avx', expected: boolean"},
        {{{"name", "qemu64"}, {"props", {{"family", "3"}}}},
         "Invalid parameter type for 'family', expected: integer"},
        {{{"name", "qemu64"}, {"props", {{"model-id", 3}}}},
         "Invalid parameter type for 'model-id', expected: string"},
        {{{"name", "qemu64"}, {"props", {{"family", -1}}}},
         "Property .family doesn't take value -1 (minimum: 0, maximum: 270)"},
        {{{"name", "qemu64"}, {"props", {{"vendor", "abc"}}}},
         "Property .vendor doesn't take value 'abc'"},
    };
    for (const auto& wrong : kWrong) {
        auto reply = expand("full", wrong.model);
        ASSERT_FALSE(reply) << wrong.error;
        EXPECT_NE(reply.error().message().find(wrong.error), std::string::npos)
            << reply.error().message();
    }
    // These exist on other architectures only.
    for (const char* command : {"query-cpu-model-comparison", "query-cpu-model-baseline"}) {
        const Json reply =
            ASSERT_VALUE(raw(qmp(), Json({{"execute", command}, {"id", command}}).dump() + "\n"));
        EXPECT_EQ(error_class(reply), "CommandNotFound");
    }
}

TEST_F(Monitor, cont_and_stop_send_events_to_all_sessions) {
    QmpClient second = ASSERT_VALUE(second_session());
    ASSERT_VALUE(second.negotiate());
    ASSERT_VALUE(qmp().execute("cont"));
    ASSERT_VALUE(second.wait_event("RESUME", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(vm().run_state()), "running");
    ASSERT_VALUE(second.execute("stop"));
    const Json event = ASSERT_VALUE(qmp().wait_event("STOP", Deadline::in(kUsual)));
    EXPECT_GT(event_time(event), 1.6e9);
    EXPECT_EQ(ASSERT_VALUE(vm().run_state()), "paused");
}

TEST_F(Monitor, session_lost_in_mid_command_machine_goes_on) {
    {
        QmpClient second = ASSERT_VALUE(second_session());
        ASSERT_VALUE(second.negotiate());
        ASSERT_VALUE(second.send_raw("{\"execute\":\"query-sta"));
    }
    QmpClient again = ASSERT_VALUE(second_session());
    ASSERT_VALUE(again.negotiate());
    ASSERT_VALUE(again.execute("query-status"));
}

TEST_F(Monitor, quit_answers_sends_shutdown_and_exits_with_0) {
    ASSERT_VALUE(qmp().execute("quit"));
    const Json event = ASSERT_VALUE(qmp().wait_event("SHUTDOWN", Deadline::in(kUsual)));
    EXPECT_EQ(event["data"], Json({{"guest", false}, {"reason", "host-qmp-quit"}}));
    EXPECT_EQ(ASSERT_VALUE(vm().process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
}

TEST_F(Monitor, pmemsave_bad_file_is_an_error) {
    EXPECT_FALSE(qmp().execute(
        "pmemsave", {{"val", 0}, {"size", 4096}, {"filename", "/no/such/directory/memory"}}));
    ASSERT_VALUE(vm().read_memory(0x7c00, 512));
}

TEST_F(Monitor, x_colo_lost_heartbeat_outside_of_colo_is_refused) {
    const auto reply = qmp().execute("x-colo-lost-heartbeat");
    ASSERT_FALSE(reply);
    EXPECT_NE(reply.error().message().find("VM is not in COLO mode"), std::string::npos);
}

// Three of the four places have a processor; nodes go by sockets.
TEST(MonitorCpus, places_and_processors_are_told) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    VmConfig config;
    config.paused = true;
    config.extra = {"-smp",    "3,maxcpus=4,sockets=2,threads=1",
                    "-object", "memory-backend-ram,id=a,size=64M",
                    "-numa",   "node,memdev=a",
                    "-numa",   "node"};
    auto vm = ASSERT_VALUE(Vm::start(config, directory));
    const Json cpus = ASSERT_VALUE(vm->qmp().execute("query-cpus-fast"));
    ASSERT_EQ(cpus.size(), 3u);
    EXPECT_EQ(cpus[2]["props"],
              (Json{{"socket-id", 1}, {"core-id", 0}, {"thread-id", 0}, {"node-id", 1}}));
    const Json places = ASSERT_VALUE(vm->qmp().execute("query-hotpluggable-cpus"));
    ASSERT_EQ(places.size(), 4u);
    EXPECT_EQ(places[0]["props"],
              (Json{{"socket-id", 1}, {"core-id", 1}, {"thread-id", 0}, {"node-id", 1}}));
    EXPECT_FALSE(places[0].contains("qom-path"));
    EXPECT_EQ(places[1]["qom-path"], cpus[2]["qom-path"]);
    EXPECT_EQ(places[0]["type"], "qemu64-x86_64-cpu");
    const auto added = vm->qmp().execute("device_add", {{"driver", "qemu64-x86_64-cpu"}});
    EXPECT_FALSE(added.has_value());
}

TEST(MonitorStdio, commands_on_standard_input_are_answered_on_standard_output) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    ASSERT_VALUE(write_file(directory.file("in"),
                            "{\"execute\":\"qmp_capabilities\"}\n"
                            "{\"execute\":\"query-status\",\"id\":\"mine\"}\n"
                            "{\"execute\":\"quit\"}\n"));
    Process process =
        ASSERT_VALUE(Process::spawn({.arguments = {binary_path(), "-accel", "tcg", "-display",
                                                   "none", "-nodefaults", "-S", "-qmp", "stdio"},
                                     .stdout_path = directory.file("out"),
                                     .stderr_path = directory.file("err"),
                                     .stdin_path = directory.file("in")}));
    EXPECT_EQ(ASSERT_VALUE(process.wait(Deadline::in(kUsual))), ExitStatus::exited(0))
        << process.stderr_text();
    EXPECT_NE(process.stdout_text().find("\"mine\""), std::string::npos) << process.stdout_text();
}

}  // namespace
}  // namespace qc::qtest
