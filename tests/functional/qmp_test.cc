// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules of QMP that clients rely on, through the real binary: what is answered to
// malformed input, how a client is told that it is too early, what happens to floods, huge
// values, clients in a race and clients that go in the middle of a command.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "tests/qtest/assertions.h"
#include "tests/qtest/link_proxy.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

class Qmp : public ::testing::Test {
 protected:
    // -S; beside the harness's monitor there are two more, "second" and "third".
    void start(std::vector<std::string> extra = {}) {
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
        VmConfig config;
        config.paused = true;
        for (const char* name : {"second", "third"}) {
            config.extra.emplace_back("-qmp");
            config.extra.push_back("unix:" + file(name) + ",server=on,wait=off");
        }
        std::ranges::move(extra, std::back_inserter(config.extra));
        vm_ = ASSERT_VALUE(Vm::start(config, *directory_));
    }
    Result<QmpClient> connect(const char* name = "second") {
        return QmpClient::connect(file(name), Deadline::in(kUsual));
    }
    Result<QmpClient> negotiated(const char* name = "second") {
        QmpClient client = TRY(connect(name));
        TRY(client.negotiate());
        return client;
    }

    // All that is said to `input`, up to the answer to a command that follows on a line of
    // its own. Versions and other long returns are left out.
    static Result<std::vector<std::string>> said_to(QmpClient& client, std::string_view input) {
        TRY(client.send_raw(std::string(input) + "\n{'execute':'no-such-cmd','id':'end'}\n"));
        std::vector<std::string> said;
        while (true) {
            const Json message = TRY(client.next_message(Deadline::in(kUsual)));
            if (message.value("id", Json()) == "end") return said;
            std::string text = message.contains("id") ? message["id"].dump() + " " : "";
            if (message.contains("error")) {
                const Json& error = message["error"];
                text += error.value("class", "") + ": " + error.value("desc", "");
            } else {
                text += "return";
            }
            said.push_back(std::move(text));
        }
    }

    QmpClient& qmp() { return vm_->qmp(); }
    Vm& vm() { return *vm_; }
    std::string file(std::string_view name) const { return directory_->file(std::string(name)); }

 private:
    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> vm_;
};

struct Rule {
    std::string_view input;
    std::vector<std::string> said;
};

TEST_F(Qmp, input_is_answered_as_qemu_answers_it) {
    start();
    QmpClient client = ASSERT_VALUE(negotiated());
    const Rule kRules[] = {
        {"", {}},
        {" \t ", {}},
        {"\xff", {"GenericError: JSON parse error, stray byte 0xff"}},
        {"\x0b", {"GenericError: JSON parse error, stray byte 0x0b"}},
        {"%p", {"GenericError: JSON parse error, stray '%'"}},
        // What follows a byte that JSON does not know is read again from the next bracket.
        {"{\x01{ 'execute': 'query-name', 'id':5 }",
         {"GenericError: JSON parse error, stray byte 0x01", "5 return"}},
        {"{ 'execute': 'query-name', 'id':%p }",
         {"GenericError: JSON parse error, stray '%'",
          "GenericError: JSON parse error, expecting value"}},
        {"[1,2]", {"GenericError: QMP input must be a JSON object"}},
        {"1", {"GenericError: QMP input must be a JSON object"}},
        {"'x'", {"GenericError: QMP input must be a JSON object"}},
        {"null", {"GenericError: QMP input must be a JSON object"}},
        {"tru", {"GenericError: JSON parse error, invalid keyword 'tru'"}},
        {"}", {"GenericError: JSON parse error, expecting value"}},
        {"]", {"GenericError: JSON parse error, expecting value"}},
        {":", {"GenericError: JSON parse error, expecting value"}},
        {",", {"GenericError: JSON parse error, expecting value"}},
        {"{'execute':'query-name'\n,'id':1}}",
         {"1 return", "GenericError: JSON parse error, expecting value"}},
        {"{'execute':'query-name',}", {"GenericError: JSON parse error, expecting value"}},
        {"{'execute' 'x'}", {"GenericError: JSON parse error, missing : in object pair"}},
        {"{1:2}", {"GenericError: JSON parse error, key is not a string in object"}},
        {"{'a':1,'a':2}", {"GenericError: JSON parse error, duplicate key"}},
        {"{'execute':'query-name','id':01}",
         {"GenericError: JSON parse error, stray '01'",
          "GenericError: JSON parse error, expecting value"}},
        {"{'execute':'query-name'} {'execute':'query-name'}", {"return", "return"}},
        // ids come back as they are, also beside errors.
        {"{'execute':'query-name','id':'\\'q\\u00e4'}", {"\"'q\u00e4\" return"}},
        {"{'execute':'query-name','id':18446744073709551615}", {"18446744073709551615 return"}},
        {"{'execute':'query-name','id':1.5}", {"1.5 return"}},
        {"{'execute':'query-name','id':null}", {"null return"}},
        {"{'execute':'query-name','id':{'a':[true]}}", {"{\"a\":[true]} return"}},
        {"{'arguments':{},'id':'q'}", {"\"q\" GenericError: QMP input lacks member 'execute'"}},
        {"{'execute':1,'id':'q'}",
         {"\"q\" GenericError: QMP input member 'execute' must be a string"}},
        {"{'execute':'query-name','arguments':[],'id':'q'}",
         {"\"q\" GenericError: QMP input member 'arguments' must be an object"}},
        {"{'execute':'query-name','arguments':null}",
         {"GenericError: QMP input member 'arguments' must be an object"}},
        {"{'execute':'query-name','bubba':1,'id':'q'}",
         {"\"q\" GenericError: QMP input member 'bubba' is unexpected"}},
        {"{'execute':'query-name','exec-oob':'query-yank','id':'q'}",
         {"\"q\" GenericError: QMP input member 'execute' clashes with 'exec-oob'"}},
        {"{'exec-oob':1,'id':'q'}",
         {"\"q\" GenericError: QMP input member 'exec-oob' must be a string"}},
        {"{'exec-oob':'query-name','id':'q'}",
         {"\"q\" GenericError: The command query-name does not support OOB"}},
        {"{'exec-oob':'nope','id':'q'}",
         {"\"q\" CommandNotFound: The command nope has not been found"}},
        {"{'execute':'no-such-cmd','id':null}",
         {"null CommandNotFound: The command no-such-cmd has not been found"}},
        {"{'execute':'','id':[1]}", {"[1] CommandNotFound: The command  has not been found"}},
        {"{'execute':'query-name','arguments':{'x':1},'id':[1]}",
         {"[1] GenericError: Parameter 'x' is unexpected"}},
        {"{'execute':'qmp_capabilities','id':9}",
         {"9 CommandNotFound: Capabilities negotiation is already complete, command ignored"}},
        // Arguments: what is wrong is named by its whole path.
        {"{'execute':'object-add'}", {"GenericError: Parameter 'qom-type' is missing"}},
        {"{'execute':'object-add','arguments':{'qom-type':'foo','id':'x'}}",
         {"GenericError: Parameter 'qom-type' does not accept value 'foo'"}},
        {"{'execute':'object-add','arguments':{'qom-type':'secret','id':'x','bad':1}}",
         {"GenericError: Parameter 'bad' is unexpected"}},
        {"{'execute':'getfd','arguments':{'fdname':1}}",
         {"GenericError: Invalid parameter type for 'fdname', expected: string"}},
        {"{'execute':'migrate-set-capabilities','arguments':{'capabilities':[{'capability':"
         "'events','state':1}]}}",
         {"GenericError: Invalid parameter type for 'capabilities[0].state', expected: boolean"}},
        {"{'execute':'migrate-set-capabilities','arguments':{'capabilities':{}}}",
         {"GenericError: Invalid parameter type for 'capabilities', expected: array"}},
        {"{'execute':'migrate-set-capabilities','arguments':{'capabilities':[1]}}",
         {"GenericError: Invalid parameter type for 'capabilities[0]', expected: object"}},
        {"{'execute':'migrate-set-parameters','arguments':{'multifd-channels':256}}",
         {"GenericError: Parameter 'multifd-channels' expects uint8_t"}},
        {"{'execute':'migrate-set-parameters','arguments':{'max-bandwidth':'1'}}",
         {"GenericError: Parameter 'max-bandwidth' expects uint64"}},
        {"{'execute':'migrate-set-parameters','arguments':{'tls-creds':5}}",
         {"GenericError: Invalid parameter type for 'tls-creds', expected: StrOrNull"}},
        {"{'execute':'yank','arguments':{'instances':[{'type':'chardev'}]}}",
         {"GenericError: Parameter 'instances[0].id' is missing"}},
        {"{'execute':'chardev-add','arguments':{'id':'a','backend':{'type':'socket','data':"
         "{'addr':{'type':'inet','data':{'host':'x'}}}}}}",
         {"GenericError: Parameter 'backend.data.addr.data.port' is missing"}},
    };
    for (const Rule& rule : kRules)
        EXPECT_EQ(ASSERT_VALUE(said_to(client, rule.input)), rule.said) << rule.input;
}

TEST_F(Qmp, negotiation_is_as_qemus) {
    start();
    QmpClient client = ASSERT_VALUE(connect());
    EXPECT_EQ(client.greeting()["QMP"]["capabilities"], Json::array({"oob"}));
    const std::string kEarly =
        "CommandNotFound: Expecting capabilities negotiation with 'qmp_capabilities'";
    const Rule kRules[] = {
        {"{'execute':'query-status','id':1}", {"1 " + kEarly}},
        {"{'execute':'no-such-cmd'}", {kEarly}},
        {"{'exec-oob':'qmp_capabilities'}",
         {"GenericError: QMP input member 'exec-oob' is unexpected"}},
        {"{'execute':}", {"GenericError: JSON parse error, expecting value"}},
        {"{'execute':'qmp_capabilities','arguments':{'enable':['foo']},'id':2}",
         {"2 GenericError: Parameter 'enable[0]' does not accept value 'foo'"}},
        {"{'execute':'qmp_capabilities','arguments':{'enable':'oob'}}",
         {"GenericError: Invalid parameter type for 'enable', expected: array"}},
        {"{'execute':'qmp_capabilities','arguments':{'x':1}}",
         {"GenericError: Parameter 'x' is unexpected"}},
        // Without the capability there is no exec-oob behind it.
        {"{'execute':'qmp_capabilities'}{'exec-oob':'query-yank','id':3}",
         {"return", "3 GenericError: QMP input member 'exec-oob' is unexpected"}},
    };
    for (const Rule& rule : kRules)
        EXPECT_EQ(ASSERT_VALUE(said_to(client, rule.input)), rule.said) << rule.input;
    QmpClient other = ASSERT_VALUE(connect("third"));
    EXPECT_EQ(ASSERT_VALUE(said_to(other,
                                   "{'execute':'qmp_capabilities','arguments':{'enable':"
                                   "['oob','oob']}}{'exec-oob':'no-such-cmd'}")),
              (std::vector<std::string>{
                  "return", "CommandNotFound: The command no-such-cmd has not been found"}));
}

TEST_F(Qmp, commands_for_out_of_band_are_these) {
    start();
    std::vector<std::string> names;
    for (const Json& entity : ASSERT_VALUE(qmp().execute("query-qmp-schema"))) {
        if (entity.value("allow-oob", false)) names.push_back(entity["name"]);
    }
    std::ranges::sort(names);
    EXPECT_EQ(names,
              (std::vector<std::string>{"migrate-pause", "migrate-recover", "query-yank", "yank"}));
}

TEST_F(Qmp, events_are_those_of_the_schema) {
    start();
    std::vector<std::string> events;
    for (const Json& event : ASSERT_VALUE(qmp().execute("query-events")))
        events.push_back(event["name"]);
    for (const char* name : {"STOP", "RESUME", "SHUTDOWN", "MIGRATION", "COLO_EXIT"})
        EXPECT_NE(std::ranges::find(events, name), events.end()) << name;
}

TEST_F(Qmp, parts_of_the_machine_are_told) {
    start({"-object", "iothread,id=io0", "-drive",
           "if=none,id=d0,format=raw,file=" + guest_image("counter"), "-device",
           "virtio-blk-pci,drive=d0,id=disk", "-snapshot"});
    const Json buses = ASSERT_VALUE(qmp().execute("query-pci"));
    ASSERT_EQ(buses.size(), 1U);
    const Json& devices = buses[0]["devices"];
    EXPECT_EQ(devices[0]["class_info"], Json({{"class", 0x600}, {"desc", "Host bridge"}}));
    const auto disk =
        std::ranges::find_if(devices, [](const Json& each) { return each["qdev_id"] == "disk"; });
    ASSERT_NE(disk, devices.end());
    EXPECT_EQ((*disk)["id"]["vendor"], 0x1af4);
    EXPECT_EQ((*disk)["irq_pin"], 1);
    EXPECT_FALSE((*disk)["regions"].empty());

    const Json threads = ASSERT_VALUE(qmp().execute("query-iothreads"));
    ASSERT_EQ(threads.size(), 1U);
    EXPECT_EQ(threads[0]["id"], "io0");
    const int64_t thread = threads[0]["thread-id"];
    EXPECT_EQ(read_file(fmt::format("/proc/{}/task/{}/comm", vm().process().pid(), thread)),
              "IO io0\n");
    ASSERT_VALUE(qmp().execute("object-del", {{"id", "io0"}}));
    EXPECT_FALSE(
        qmp().execute("object-add", {{"qom-type", "iothread"}, {"id", "x"}, {"poll-max-ns", 1}}));

    const Json nodes = ASSERT_VALUE(qmp().execute("query-named-block-nodes"));
    ASSERT_EQ(nodes.size(), 1U);
    const Json statistics = ASSERT_VALUE(qmp().execute("query-blockstats"));
    ASSERT_EQ(statistics.size(), 1U);
    EXPECT_EQ(statistics[0]["device"], "d0");
    EXPECT_EQ(statistics[0]["node-name"], nodes[0]["node-name"]);
    EXPECT_EQ(ASSERT_VALUE(qmp().execute("query-target"))["arch"], "x86_64");
    const Json accelerators =
        ASSERT_VALUE(qmp().execute("qom-list-types", {{"implements", "accel"}}));
    EXPECT_NE(std::ranges::find(accelerators, Json({{"name", "tcg-accel"}, {"parent", "accel"}})),
              accelerators.end());
    EXPECT_EQ(ASSERT_VALUE(qmp().execute("query-sev"))["enabled"], false);
}

TEST_F(Qmp, preconfig_starts_nothing_before_it_is_left) {
    start({"-preconfig"});
    EXPECT_EQ(ASSERT_VALUE(qmp().execute("query-status"))["status"], "prelaunch");
    const auto refused = qmp().execute("cont");
    ASSERT_FALSE(refused);
    EXPECT_NE(
        refused.error().message().find(
            "The command 'cont' is permitted only after machine initialization has completed"),
        std::string::npos);
    for (const char* name : {"query-version", "query-name", "query-block", "query-iothreads",
                             "query-hotpluggable-cpus", "query-named-block-nodes"}) {
        ASSERT_VALUE(qmp().execute(name));
    }
    ASSERT_VALUE(qmp().execute("x-exit-preconfig"));
    EXPECT_FALSE(qmp().execute("x-exit-preconfig"));
    ASSERT_VALUE(qmp().execute("cont"));
    EXPECT_EQ(ASSERT_VALUE(vm().run_state()), "running");
}

// 20000 commands without reading an answer: more than the sockets and the monitor hold.
TEST_F(Qmp, flood_is_answered_in_order_once_it_is_read) {
    start();
    QmpClient client = ASSERT_VALUE(negotiated());
    constexpr int kCommands = 20000;
    std::thread writer([&] {
        for (int id = 0; id < kCommands; ++id) {
            if (!client.send_raw(fmt::format("{{'execute':'query-version','id':{}}}\n", id)))
                return;
        }
    });
    usleep(300'000);
    // Meanwhile others are served.
    EXPECT_TRUE(qmp().execute("query-status"));
    int wrong = 0;
    for (int id = 0; id < kCommands; ++id) {
        auto reply = client.next_message(Deadline::in(kUsual));
        if (!reply || (*reply)["id"] != id) ++wrong;
    }
    writer.join();
    EXPECT_EQ(wrong, 0);
}

TEST_F(Qmp, huge_values_are_refused_and_the_session_goes_on) {
    start();
    QmpClient client = ASSERT_VALUE(negotiated());
    const std::string text(size_t{17} << 20, 'x');
    ASSERT_VALUE(client.send_raw("{'execute':'query-name','id':'" + text));
    EXPECT_EQ(ASSERT_VALUE(client.next_message(Deadline::in(kUsual)))["error"]["class"],
              "GenericError");
    // What was left open ends with the line.
    const std::string kGood = "\n{'execute':'query-name','id':1}";
    EXPECT_EQ(ASSERT_VALUE(said_to(client, kGood)), std::vector<std::string>{"1 return"});
    const std::vector<std::string> deep =
        ASSERT_VALUE(said_to(client, std::string(1025, '[') + kGood));
    ASSERT_EQ(deep.size(), 2U);
    EXPECT_TRUE(deep[0].starts_with("GenericError: JSON")) << deep[0];
    EXPECT_EQ(deep[1], "1 return");
}

TEST_F(Qmp, clients_in_a_race_get_their_own_answers) {
    start();
    constexpr int kRounds = 300;
    auto race = [this](const char* name, const char* command, int& right) {
        auto client = negotiated(name);
        if (!client) return;
        for (int round = 0; round < kRounds; ++round) {
            // One in four is unknown, so that answers differ.
            const bool known = round % 4 != 0;
            const auto id = client->send(known ? command : "no-such-cmd", Json::object());
            if (!id) return;
            const auto reply = client->await_reply(*id, Deadline::in(kUsual));
            if (!reply) return;
            right += reply->contains(known ? "return" : "error") ? 1 : 0;
        }
    };
    int stops = 0;
    int conts = 0;
    std::thread one(race, "second", "stop", std::ref(stops));
    std::thread two(race, "third", "cont", std::ref(conts));
    one.join();
    two.join();
    EXPECT_EQ(stops, kRounds);
    EXPECT_EQ(conts, kRounds);
    ASSERT_VALUE(qmp().execute("query-status"));
}

TEST_F(Qmp, clients_that_go_in_mid_command_leave_nothing_behind) {
    start();
    const char* const kLastWords[] = {
        "{'execute':'query-qmp-schema'}\n",
        "{'execute':'query-qmp-schema'}{'execute':'query-qmp-schema'}{'exec-oob':",
        "{'exec-oob':'query-yank'}\n{'execute':'stop'}\n",
        "{'execute':'human-monitor-command','arguments':{'command-line':'info qom-tree'}}\n",
        "{'execu",
    };
    for (int round = 0; round < 100; ++round) {
        QmpClient client = ASSERT_VALUE(negotiated());
        ASSERT_VALUE(client.send_raw(kLastWords[round % std::size(kLastWords)]));
    }
    // The next one hears of nothing but its own.
    QmpClient client = ASSERT_VALUE(connect());
    EXPECT_EQ(ASSERT_VALUE(said_to(client, "{'execute':'qmp_capabilities'}")),
              std::vector<std::string>{"return"});
}

class FdSetsOfQmp : public Qmp {
 protected:
    // A file of the test's directory with `text` in it.
    UniqueFd open_file(const char* name, int flags, std::string_view text) {
        EXPECT_TRUE(write_file(file(name), text));
        return UniqueFd(open(file(name).c_str(), flags | O_CLOEXEC));
    }
    Result<Json> add(int fd, int set) {
        return qmp().execute_with_fd("add-fd", {{"fdset-id", set}}, fd);
    }
    Json sets() {
        auto result = qmp().execute("query-fdsets");
        return result ? *result : Json(result.error().message());
    }
};

TEST_F(FdSetsOfQmp, files_are_opened_by_way_of_a_set) {
    start();
    const UniqueFd log = open_file("log", O_WRONLY, "");
    const UniqueFd ram = open_file("ram", O_RDWR, std::string(1 << 20, 'r'));
    const UniqueFd state = open_file("state", O_WRONLY, "");
    ASSERT_VALUE(add(log.get(), 1));
    ASSERT_VALUE(add(ram.get(), 2));
    ASSERT_VALUE(add(state.get(), 3));
    EXPECT_EQ(sets().size(), 3U);
    const Json out = {{"type", "file"}, {"data", {{"out", "/dev/fdset/1"}}}};
    ASSERT_VALUE(qmp().execute("chardev-add", {{"id", "c"}, {"backend", out}}));
    ASSERT_VALUE(qmp().execute("object-add", {{"qom-type", "memory-backend-file"},
                                              {"id", "m"},
                                              {"mem-path", "/dev/fdset/2"},
                                              {"size", 1 << 20}}));
    ASSERT_VALUE(qmp().execute("migrate", {{"uri", "file:/dev/fdset/3"}}));
    ASSERT_VALUE(vm().wait_migration("completed", Deadline::in(kUsual)));
    std::string magic(4, ' ');
    const UniqueFd written(open(file("state").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(read(written.get(), magic.data(), magic.size()), 4);
    EXPECT_EQ(magic, "QEVM");
    // A set for writing does not read.
    const auto refused = qmp().execute(
        "object-add", {{"qom-type", "rng-random"}, {"id", "r"}, {"filename", "/dev/fdset/1"}});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("Permission denied"), std::string::npos);
}

TEST_F(FdSetsOfQmp, set_in_use_stays_until_its_user_goes) {
    start();
    const UniqueFd log = open_file("log", O_WRONLY, "");
    const int64_t fd = ASSERT_VALUE(add(log.get(), 5))["fd"];
    const Json out = {{"type", "file"}, {"data", {{"out", "/dev/fdset/5"}}}};
    ASSERT_VALUE(qmp().execute("chardev-add", {{"id", "c"}, {"backend", out}}));
    ASSERT_VALUE(qmp().execute("remove-fd", {{"fdset-id", 5}, {"fd", fd}}));
    EXPECT_EQ(sets(), Json::array({{{"fdset-id", 5}, {"fds", Json::array()}}}));
    ASSERT_VALUE(qmp().execute("chardev-remove", {{"id", "c"}}));
    EXPECT_EQ(sets(), Json::array());
    const auto gone = qmp().execute("remove-fd", {{"fdset-id", 5}});
    ASSERT_FALSE(gone);
    EXPECT_NE(gone.error().message().find("File descriptor named 'fdset-id:5' not found"),
              std::string::npos);
}

// The machine with one monitor only, which the test leaves and comes back to.
TEST(FdSetsOfOneClient, unused_descriptors_go_with_the_last_client_once_the_guest_runs) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    const std::string path = directory.file("qmp");
    Process process = ASSERT_VALUE(Process::spawn(
        {.arguments = {binary_path(), "-accel", "qtest", "-display", "none", "-nodefaults", "-S",
                       "-qmp", "unix:" + path + ",server=on,wait=off"},
         .stdout_path = directory.file("out"),
         .stderr_path = directory.file("err")}));
    const UniqueFd file(open("/dev/null", O_RDWR | O_CLOEXEC));
    {
        QmpClient client = ASSERT_VALUE(QmpClient::connect(path, Deadline::in(kUsual)));
        ASSERT_VALUE(client.negotiate());
        ASSERT_VALUE(client.execute_with_fd("add-fd", {{"fdset-id", 1}}, file.get()));
    }
    {
        QmpClient client = ASSERT_VALUE(QmpClient::connect(path, Deadline::in(kUsual)));
        ASSERT_VALUE(client.negotiate());
        EXPECT_EQ(ASSERT_VALUE(client.execute("query-fdsets")).size(), 1U);
        ASSERT_VALUE(client.execute("cont"));
    }
    QmpClient client = ASSERT_VALUE(QmpClient::connect(path, Deadline::in(kUsual)));
    ASSERT_VALUE(client.negotiate());
    EXPECT_EQ(ASSERT_VALUE(client.execute("query-fdsets")), Json::array());
    ASSERT_VALUE(client.execute("quit"));
    EXPECT_EQ(ASSERT_VALUE(process.wait(Deadline::in(kUsual))), ExitStatus::exited(0));
}

// Commands that ask, and can do so without arguments.
Result<std::vector<std::string>> questions(QmpClient& qmp) {
    const Json schema = TRY(qmp.execute("query-qmp-schema"));
    auto takes_nothing = [&](const Json& command) {
        const auto type = std::ranges::find_if(
            schema, [&](const Json& each) { return each["name"] == command["arg-type"]; });
        return std::ranges::all_of((*type)["members"],
                                   [](const Json& member) { return member.contains("default"); });
    };
    std::vector<std::string> names;
    for (const Json& each : schema) {
        const std::string name = each["name"];
        if (each["meta-type"] == "command" && name.starts_with("query-") && takes_nothing(each)) {
            names.push_back(name);
        }
    }
    return names;
}

// Until nothing comes through, and the secondary, which has stopped its guest, waits for it.
Result<void> stall_in_checkpoint(VmPair& pair, LinkProxy& proxy) {
    const Deadline deadline = Deadline::in(kUsual);
    while (!deadline.passed()) {
        TRY(pair.wait_checkpoint_begin());
        proxy.stall();
        // Its last message may have come before that.
        usleep(100'000);
        if (TRY(pair.secondary().run_state()) == "colo") return {};
        proxy.heal();
    }
    return fail("no checkpoint was caught");
}

// A pair is held fast in the middle of a checkpoint: nothing comes through between its
// sides. All that asks is answered, by both.
TEST(QmpColo, questions_are_answered_in_the_middle_of_a_checkpoint) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    PairConfig config;
    config.vm.image = guest_image("counter");
    config.capabilities = {"x-colo"};
    config.checkpoint_delay_ms = 100;
    auto pair = ASSERT_VALUE(VmPair::start(config, directory));
    const std::string port = pair->uri().substr(pair->uri().rfind(':') + 1);
    auto proxy = ASSERT_VALUE(LinkProxy::start(static_cast<uint16_t>(std::stoi(port))));
    pair->lead_through(fmt::format("tcp:127.0.0.1:{}", proxy->port()));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(1));
    // A checkpoint takes several ways there and back now.
    proxy->set_delay_ms(200);
    ASSERT_VALUE(stall_in_checkpoint(*pair, *proxy));

    int64_t slowest_us = 0;
    std::string slowest;
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        for (const std::string& name : ASSERT_VALUE(questions(vm->qmp()))) {
            const auto before = Deadline::Clock::now();
            const uint64_t id = ASSERT_VALUE(vm->qmp().send(name, Json::object()));
            // Some are refused, as they would be at any time; all are answered.
            ASSERT_VALUE(vm->qmp().await_reply(id, Deadline::in(kUsual)).context("{}", name));
            const int64_t took = std::chrono::duration_cast<std::chrono::microseconds>(
                                     Deadline::Clock::now() - before)
                                     .count();
            if (took > slowest_us) slowest = name;
            slowest_us = std::max(slowest_us, took);
        }
    }
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().run_state()), "colo");
    RecordProperty("slowest", fmt::format("{}: {} us", slowest, slowest_us));
    proxy->set_delay_ms(0);
    proxy->heal();
    ASSERT_VALUE(pair->wait_checkpoints(2));
}

}  // namespace
}  // namespace qc::qtest
