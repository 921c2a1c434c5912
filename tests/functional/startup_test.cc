// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the program starts and ends: without a machine, from a configuration file, in the
// background, with fewer rights; and that SIGTERM ends it in order, whatever it is doing.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/qtest/assertions.h"
#include "tests/qtest/qtest_vm.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {
namespace {

using std::chrono_literals::operator""ms;

struct Outcome {
    ExitStatus status;
    std::string out;
    std::string err;
};

Result<Process> spawn(const TempDir& directory, std::vector<std::string> arguments) {
    return Process::spawn({.arguments = std::move(arguments),
                           .stdout_path = directory.file("out"),
                           .stderr_path = directory.file("err")});
}

Result<Outcome> run(const TempDir& directory, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), binary_path());
    Process process = TRY(spawn(directory, std::move(arguments)));
    const ExitStatus status = TRY(process.wait(Deadline::in(kUsual)));
    return Outcome{status, process.stdout_text(), process.stderr_text()};
}

std::vector<std::string> empty_machine(const TempDir& directory) {
    return {"-machine",
            "none",
            "-display",
            "none",
            "-nodefaults",
            "-qmp",
            "unix:" + directory.file("qmp") + ",server=on,wait=off"};
}

Result<QmpClient> connect(const TempDir& directory) {
    QmpClient client = TRY(QmpClient::connect(directory.file("qmp"), Deadline::in(kUsual)));
    TRY(client.negotiate());
    return client;
}

template <typename Condition>
bool comes_true(Condition condition) {
    for (const Deadline deadline = Deadline::in(kUsual); !condition();) {
        if (deadline.passed()) return false;
        usleep(5000);
    }
    return true;
}

std::string status_line(pid_t pid, const std::string& key) {
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/status");
    const size_t start = text.find("\n" + key + ":");
    return start == std::string::npos
               ? ""
               : text.substr(start + 1, text.find('\n', start + 1) - start - 1);
}

class Startup : public ::testing::Test {
 protected:
    void SetUp() override { directory_.emplace(ASSERT_VALUE(TempDir::create())); }

    // A process that is no child of the test: it must not outlive it.
    void TearDown() override {
        if (background_ > 0) kill(background_, SIGKILL);
    }

    Result<std::unique_ptr<Vm>> start(std::vector<std::string> extra, bool paused = false) {
        VmConfig config;
        config.paused = paused;
        config.extra = std::move(extra);
        return Vm::start(config, *directory_);
    }

    std::string file(const std::string& name) { return directory_->file(name); }

    std::optional<TempDir> directory_;
    pid_t background_ = -1;
};

TEST_F(Startup, machine_none_has_monitor_but_no_cpu) {
    Process process = ASSERT_VALUE([&]() -> Result<Process> {
        auto words = empty_machine(*directory_);
        words.insert(words.begin(), binary_path());
        return spawn(*directory_, std::move(words));
    }());
    QmpClient qmp = ASSERT_VALUE(connect(*directory_));
    EXPECT_EQ(ASSERT_VALUE(qmp.execute("query-status")).value("status", ""), "running");
    EXPECT_EQ(ASSERT_VALUE(qmp.execute("query-cpus-fast")), Json::array());
    EXPECT_EQ(ASSERT_VALUE(qmp.execute("query-memory-size-summary")).value("base-memory", 1), 0);
    for (const char* command : {"system_powerdown", "system_reset", "stop", "cont"}) {
        ASSERT_VALUE(qmp.execute(command));
    }
    for (const char* command : {"inject-nmi", "system_wakeup", "query-hotpluggable-cpus"}) {
        EXPECT_FALSE(qmp.execute(command)) << command;
    }
    process.send_signal(SIGTERM);
    EXPECT_EQ(ASSERT_VALUE(process.wait(Deadline::in(kUsual))), ExitStatus::exited(0));
}

TEST_F(Startup, configuration_file_makes_options) {
    ASSERT_VALUE(write_file(file("config"),
                            "[memory]\n size = \"48\"\n[name]\n guest = \"from a file\"\n"
                            "[machine]\n type = \"pc-q35-8.2\"\n"));
    auto vm = ASSERT_VALUE(start({"-readconfig", file("config")}, true));
    EXPECT_EQ(ASSERT_VALUE(vm->qmp().execute("query-name")).value("name", ""), "from a file");
    EXPECT_EQ(ASSERT_VALUE(vm->qmp().execute("query-memory-size-summary")).value("base-memory", 0),
              48 << 20);
    const Json type =
        ASSERT_VALUE(vm->qmp().execute("qom-get", {{"path", "/machine"}, {"property", "type"}}));
    EXPECT_EQ(type, "pc-q35-8.2-machine");
}

TEST_F(Startup, groups_of_options_are_listed) {
    auto vm = ASSERT_VALUE(start({}, true));
    const Json all = ASSERT_VALUE(vm->qmp().execute("query-command-line-options"));
    EXPECT_GT(all.size(), 15u);
    const Json one =
        ASSERT_VALUE(vm->qmp().execute("query-command-line-options", {{"option", "sandbox"}}));
    ASSERT_EQ(one.size(), 1u);
    EXPECT_EQ(one[0]["parameters"][0], Json({{"name", "enable"}, {"type", "boolean"}}));
    EXPECT_FALSE(vm->qmp().execute("query-command-line-options", {{"option", "nosuch"}}));
}

TEST_F(Startup, background_process_is_ready_when_the_caller_goes_on) {
    auto words = empty_machine(*directory_);
    words.insert(words.end(), {"-daemonize", "-pidfile", file("pid")});
    const Outcome outcome = ASSERT_VALUE(run(*directory_, words));
    ASSERT_EQ(outcome.status, ExitStatus::exited(0)) << outcome.err;
    // The pid file is there, and so is the monitor: no waiting.
    background_ = std::stoi(read_file(file("pid")));
    EXPECT_EQ(getsid(background_),
              ASSERT_VALUE([&]() -> Result<pid_t> { return getsid(background_); }()));
    EXPECT_NE(getsid(background_), getsid(0));
    EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(background_) + "/fd/2"),
              "/dev/null");
    QmpClient qmp = ASSERT_VALUE(connect(*directory_));
    ASSERT_VALUE(qmp.execute("query-status"));

    // Nobody else gets the file.
    const Outcome second = ASSERT_VALUE(
        run(*directory_, {"-machine", "none", "-display", "none", "-pidfile", file("pid")}));
    EXPECT_EQ(second.status, ExitStatus::exited(1));
    EXPECT_NE(second.err.find("cannot create PID file: Cannot lock pid file"), std::string::npos)
        << second.err;
    EXPECT_EQ(std::stoi(read_file(file("pid"))), background_);

    kill(background_, SIGTERM);
    EXPECT_TRUE(comes_true([&] { return !std::filesystem::exists(file("pid")); }));
    background_ = -1;
}

TEST_F(Startup, background_process_that_fails_is_reported_to_the_caller) {
    const Outcome outcome = ASSERT_VALUE(
        run(*directory_, {"-display", "none", "-daemonize", "-bios", "/no/such/bios"}));
    EXPECT_EQ(outcome.status, ExitStatus::exited(1));
    EXPECT_NE(outcome.err.find("/no/such/bios"), std::string::npos) << outcome.err;
}

TEST_F(Startup, messages_have_time_and_name) {
    const Outcome outcome =
        ASSERT_VALUE(run(*directory_, {"-name", "guest1", "-msg", "timestamp=on,guest-name=on",
                                       "-display", "none", "-bios", "/no/such/bios"}));
    EXPECT_EQ(outcome.err.find("20"), 0u) << outcome.err;
    EXPECT_NE(outcome.err.find("Z guest1 qemu-system-x86_64: "), std::string::npos) << outcome.err;
}

TEST_F(Startup, sandbox_refuses_children_and_the_machine_goes_on) {
    auto vm = ASSERT_VALUE(start({"-sandbox", "on,spawn=deny,resourcecontrol=deny"}));
    EXPECT_EQ(status_line(vm->process().pid(), "Seccomp"), "Seccomp:\t2");
    const auto migrated = vm->qmp().execute("migrate", {{"uri", "exec:cat >/dev/null"}});
    if (migrated) {
        EXPECT_TRUE(comes_true([&] { return vm->migration_status().value_or("") == "failed"; }));
    }
    EXPECT_EQ(ASSERT_VALUE(vm->run_state()), "running");
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

TEST_F(Startup, process_runs_as_another_user_under_another_root) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can change the user";
    std::filesystem::create_directory(file("root"));
    auto vm = ASSERT_VALUE(start({"-run-with", "user=65534:65533,chroot=" + file("root"),
                                  "-sandbox", "on,elevateprivileges=deny"}));
    EXPECT_EQ(status_line(vm->process().pid(), "Uid"), "Uid:\t65534\t65534\t65534\t65534");
    EXPECT_EQ(status_line(vm->process().pid(), "Gid"), "Gid:\t65533\t65533\t65533\t65533");
    EXPECT_EQ(ASSERT_VALUE(vm->run_state()), "running");
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

TEST_F(Startup, process_ends_with_its_parent) {
    std::string command = binary_path();
    for (const std::string& word : empty_machine(*directory_))
        command += " " + word;
    command += " -run-with exit-with-parent=on -pidfile " + file("pid") + " & while [ ! -e " +
               file("go") + " ]; do sleep 0.02; done";
    Process shell = ASSERT_VALUE(spawn(*directory_, {"/bin/sh", "-c", command}));
    ASSERT_VALUE(connect(*directory_));
    background_ = std::stoi(read_file(file("pid")));
    ASSERT_VALUE(write_file(file("go"), ""));
    EXPECT_TRUE(comes_true([&] { return !std::filesystem::exists(file("pid")); }));
    EXPECT_EQ(ASSERT_VALUE(shell.wait(Deadline::in(kUsual))), ExitStatus::exited(0));
    background_ = -1;
}

// A guest's panic, and what it leads to.
struct Panic {
    const char* name;
    std::vector<std::string> options;
    const char* action;
    const char* state;  // afterwards; null: the process ends
    int exit_code;
};

void PrintTo(const Panic& panic, std::ostream* stream) {
    *stream << panic.name;
}

const Panic kPanics[] = {
    {"shutdown", {}, "poweroff", nullptr, 0},
    {"exit_failure", {"-action", "panic=exit-failure"}, "poweroff", nullptr, 1},
    {"pause", {"-action", "panic=pause"}, "pause", "guest-panicked", 0},
    {"no_shutdown", {"-no-shutdown"}, "pause", "guest-panicked", 0},
    {"none", {"-action", "panic=none"}, "run", "running", 0},
};

class GuestPanic : public Startup, public ::testing::WithParamInterface<Panic> {};
INSTANTIATE_TEST_SUITE_P(Actions, GuestPanic, ::testing::ValuesIn(kPanics),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(GuestPanic, leads_to_what_action_says) {
    const Panic& panic = GetParam();
    std::vector<std::string> words = panic.options;
    words.insert(words.end(), {"-device", "pvpanic"});
    auto vm = ASSERT_VALUE(QtestVm::start(*directory_, words));
    EXPECT_EQ(ASSERT_VALUE(vm->qtest().ask_number("inb 0x505")), 3u);
    ASSERT_VALUE(vm->qtest().tell("outb 0x505 0x1"));
    const Json event = ASSERT_VALUE(vm->qmp().wait_event("GUEST_PANICKED", Deadline::in(kUsual)));
    EXPECT_EQ(event["data"]["action"], panic.action);
    if (panic.state == nullptr) {
        const Json end = ASSERT_VALUE(vm->qmp().wait_event("SHUTDOWN", Deadline::in(kUsual)));
        EXPECT_EQ(end["data"], Json({{"guest", true}, {"reason", "guest-panic"}}));
        EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kUsual))),
                  ExitStatus::exited(panic.exit_code));
        return;
    }
    EXPECT_EQ(ASSERT_VALUE(vm->qmp().execute("query-status"))["status"], panic.state);
    ASSERT_VALUE(vm->qmp().execute("cont"));
    EXPECT_EQ(ASSERT_VALUE(vm->qmp().execute("query-status"))["status"], "running");
}

TEST_F(Startup, clock_follows_the_guest_s_time) {
    auto vm =
        ASSERT_VALUE(QtestVm::start(*directory_, {"-rtc", "base=2006-06-17T16:01:21,clock=vm"}));
    const auto register_of = [&](int index) -> Result<uint64_t> {
        TRY(vm->qtest().tell("outb 0x70 " + std::to_string(index)));
        return vm->qtest().ask_number("inb 0x71");
    };
    EXPECT_EQ(ASSERT_VALUE(register_of(0x32)), 0x20u);
    EXPECT_EQ(ASSERT_VALUE(register_of(9)), 0x06u);
    EXPECT_EQ(ASSERT_VALUE(register_of(4)), 0x16u);
    EXPECT_EQ(ASSERT_VALUE(register_of(0)), 0x21u);
    ASSERT_VALUE(vm->qtest().ask_number("clock_step 7000000000"));
    EXPECT_EQ(ASSERT_VALUE(register_of(0)), 0x28u);
    EXPECT_EQ(ASSERT_VALUE(register_of(2)), 0x01u);
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

TEST_F(Startup, actions_change_while_the_machine_runs) {
    auto vm = ASSERT_VALUE(start({"-no-reboot"}, true));
    QmpClient& qmp = vm->qmp();
    ASSERT_VALUE(qmp.execute("set-action", {{"reboot", "reset"}}));
    ASSERT_VALUE(qmp.execute("system_reset"));
    ASSERT_VALUE(qmp.wait_event("RESET", Deadline::in(kUsual)));
    ASSERT_VALUE(qmp.execute("set-action", {{"reboot", "shutdown"}, {"shutdown", "pause"}}));
    ASSERT_VALUE(qmp.execute("system_reset"));
    const Json event = ASSERT_VALUE(qmp.wait_event("SHUTDOWN", Deadline::in(kUsual)));
    EXPECT_EQ(event["data"], Json({{"guest", false}, {"reason", "host-qmp-system-reset"}}));
    EXPECT_FALSE(qmp.execute("set-action", {{"panic", "reset"}}));
    EXPECT_EQ(ASSERT_VALUE(vm->run_state()), "prelaunch");
}

// What the machine is doing when SIGTERM comes.
struct Moment {
    const char* name;
    std::vector<std::string> options;
    bool paused;
    std::vector<std::pair<const char*, Json>> commands;
    const char* state;
};

void PrintTo(const Moment& moment, std::ostream* stream) {
    *stream << moment.name;
}

const Moment kMoments[] = {
    {"running", {}, false, {}, "running"},
    {"prelaunch", {}, true, {}, "prelaunch"},
    {"preconfig", {"-preconfig"}, true, {}, "prelaunch"},
    {"paused", {}, false, {{"stop", Json::object()}}, "paused"},
    {"inmigrate", {"-incoming", "defer"}, false, {}, "inmigrate"},
    {"inmigrate_listening", {"-incoming", "tcp:127.0.0.1:0"}, false, {}, "inmigrate"},
    {"shutdown",
     {"-action", "reboot=shutdown,shutdown=pause"},
     false,
     {{"system_reset", Json::object()}},
     "shutdown"},
    {"postmigrate", {}, false, {{"migrate", {{"uri", "exec:cat >/dev/null"}}}}, "postmigrate"},
    {"migrating",
     {},
     false,
     {{"migrate-set-parameters", {{"max-bandwidth", 1}}},
      {"migrate", {{"uri", "exec:cat >/dev/null"}}}},
     "running"},
    {"switching_over",
     {},
     false,
     {{"migrate-set-capabilities",
       {{"capabilities", {{{"capability", "pause-before-switchover"}, {"state", true}}}}}},
      {"migrate", {{"uri", "exec:cat >/dev/null"}}}},
     "finish-migrate"},
};

class Termination : public Startup, public ::testing::WithParamInterface<Moment> {};
INSTANTIATE_TEST_SUITE_P(Moments, Termination, ::testing::ValuesIn(kMoments),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(Termination, sigterm_ends_in_order) {
    const Moment& moment = GetParam();
    auto vm = ASSERT_VALUE(start(moment.options, moment.paused));
    for (const auto& [command, arguments] : moment.commands)
        ASSERT_VALUE(vm->qmp().execute(command, arguments));
    ASSERT_TRUE(comes_true([&] { return vm->run_state().value_or("") == moment.state; }))
        << vm->run_state().value_or("?");
    vm->process().send_signal(SIGTERM);
    // There may have been another.
    Json event;
    do
        event = ASSERT_VALUE(vm->qmp().wait_event("SHUTDOWN", Deadline::in(kUsual)));
    while (event["data"] != Json({{"guest", false}, {"reason", "host-signal"}}));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
    EXPECT_NE(vm->process().stderr_text().find("terminating on signal 15 from pid "),
              std::string::npos);
}

}  // namespace
}  // namespace qc::qtest
