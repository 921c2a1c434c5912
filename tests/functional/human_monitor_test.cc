// SPDX-License-Identifier: GPL-2.0-or-later
//
// The human monitor through the real binary: at a pseudo terminal, on a socket, on one
// console with a serial port; a person who does not read; and QMP in its pretty form.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "tests/qtest/assertions.h"
#include "tests/qtest/stream_peer.h"
#include "tests/qtest/temp_dir.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPrompt = "(qemu) ";

// A person at a terminal: types, and reads up to what is expected.
class Person {
 public:
    explicit Person(UniqueFd fd) : fd_(std::move(fd)) {}

    Result<std::string> type(std::string_view keys, std::string_view awaited = kPrompt) {
        if (write(fd_.get(), keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
            return fail_errno(errno, "cannot type");
        }
        return read_until(awaited);
    }

    Result<std::string> read_until(std::string_view awaited) {
        const Deadline deadline = Deadline::in(kUsual);
        std::string text;
        while (text.find(awaited) == std::string::npos) {
            pollfd entry = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
            if (poll(&entry, 1, deadline.remaining_ms()) <= 0) {
                return fail("'{}' did not come; this did: '{}'", awaited, text);
            }
            char buffer[4096];
            const ssize_t count = read(fd_.get(), buffer, sizeof(buffer));
            if (count <= 0) return fail_errno(errno, "the terminal ended after '{}'", text);
            text.append(buffer, static_cast<size_t>(count));
        }
        return text;
    }

 private:
    UniqueFd fd_;
};

class HumanMonitor : public ::testing::Test {
 protected:
    void SetUp() override { directory_.emplace(ASSERT_VALUE(TempDir::create())); }

    void start(std::vector<std::string> extra) {
        VmConfig config;
        config.memory_mib = 16;
        config.paused = true;
        config.extra = std::move(extra);
        vm_ = ASSERT_VALUE(Vm::start(config, *directory_));
    }
    void start_on_socket() { start({"-monitor", "unix:" + file("mon") + ",server=on,wait=off"}); }
    Result<Person> meet() {
        return Person(TRY(StreamPeer::connect(file("mon"), Deadline::in(kUsual))).take_fd());
    }
    QmpClient& qmp() { return vm_->qmp(); }
    Vm& vm() { return *vm_; }
    std::string file(const std::string& name) const { return directory_->file(name); }

 private:
    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> vm_;
};

TEST_F(HumanMonitor, greets_prompts_and_obeys) {
    start_on_socket();
    Person person = ASSERT_VALUE(meet());
    const std::string greeting = ASSERT_VALUE(person.read_until(kPrompt));
    EXPECT_TRUE(greeting.starts_with("QEMU ")) << greeting;
    EXPECT_NE(greeting.find(" monitor - type 'help' for more information\r\n(qemu) "),
              std::string::npos);
    EXPECT_EQ(ASSERT_VALUE(person.type("info status\r")),
              "info status\r\nVM status: paused (prelaunch)\r\n(qemu) ");
    EXPECT_EQ(ASSERT_VALUE(person.type("cont\n")), "cont\r\n(qemu) ");
    EXPECT_EQ(ASSERT_VALUE(vm().run_state()), "running");
    EXPECT_EQ(ASSERT_VALUE(person.type("foo\r")), "foo\r\nunknown command: 'foo'\r\n(qemu) ");
    ASSERT_VALUE(person.type("info ve\t", "rsion "));
    ASSERT_VALUE(person.type("\x03"));
    EXPECT_NE(ASSERT_VALUE(person.type("\x1b[A\r")).find("unknown command: 'foo'"),
              std::string::npos);
    ASSERT_VALUE(person.type("quit\r", "quit\r\n"));
    EXPECT_EQ(ASSERT_VALUE(vm().process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
}

TEST_F(HumanMonitor, every_topic_of_info_and_every_command_has_an_answer) {
    start_on_socket();
    Person person = ASSERT_VALUE(meet());
    ASSERT_VALUE(person.read_until(kPrompt));
    std::string help = ASSERT_VALUE(person.type("help info\r"));
    size_t topics = 0;
    for (size_t at = help.find("\ninfo "); at != std::string::npos; at = help.find("\ninfo ", at)) {
        at += 6;
        const std::string topic = help.substr(at, help.find_first_of(" ", at) - at);
        const std::string shown = ASSERT_VALUE(person.type("info " + topic + "\r"));
        EXPECT_EQ(shown.find("unknown command"), std::string::npos) << shown;
        EXPECT_EQ(shown.find("has not been found"), std::string::npos) << shown;
        EXPECT_EQ(shown.find("Error: "), std::string::npos) << shown;
        ++topics;
    }
    EXPECT_GT(topics, 15u);
    help = ASSERT_VALUE(person.type("help\r"));
    for (size_t at = help.find("\r\n"); help.size() - at > 12; at = help.find("\r\n", at)) {
        at += 2;
        const std::string command = help.substr(at, help.find_first_of(" |", at) - at);
        if (command == "quit" || command == "(qemu)") continue;
        ASSERT_VALUE(person.type(command + "\r"));
        const std::string shown = ASSERT_VALUE(person.type("help " + command + "\r"));
        EXPECT_EQ(shown.find("unknown command"), std::string::npos) << shown;
    }
}

// At the reset vector, where the firmware is: jmp f000:e05b.
TEST_F(HumanMonitor, looks_at_memory_registers_and_ports) {
    start({});
    const std::string saved = file("saved");
    const struct {
        std::string line;
        std::string shown;
    } cases[] = {
        {"xp /4xb 0xffff0", "00000000000ffff0: 0xea 0x5b 0xe0 0x00\r\n"},
        {"xp/1xg 0xffff0+8-8", "00000000000ffff0: 0x"},
        {"xp /2c 0xffff5", "00000000000ffff5: '"},
        {"x /1xw $pc", "00000000fffffff0: 0x00e05bea\r\n"},
        {"x /1i $pc", "0xfffffff0:  ea 5b e0 00 f0"},
        {"p $pc", "0xfffffff0\r\n"},
        {"p /d 10+3*4", "22\r\n"},
        {"p 5/0", "division by zero\r\nTry \"help print\" for more information\r\n"},
        {"p $foo", "unknown register\r\n"},
        {"xp /2z 0", "invalid char in format: 'z'\r\n"},
        {"i /b 0x64", "portb[0x0064] = 0x"},
        {"o /b 0x80 0x12", ""},
        {"sum 0 512", "00000\r\n"},
        {"gva2gpa 0x1234", "gpa: 0x1234\r\n"},
        {"gpa2hva 0", "Host virtual address for 0x0 (pc.ram) is 0x"},
        {"gpa2hva 0xfec00000", "Error: Memory at address 0xfec00000 is not RAM\r\n"},
        {"info registers", "\r\nCPU#0\r\nRAX="},
        {"info registers 7", "CPU#7 not available\r\n"},
        {"info mem", "PG disabled\r\n"},
        {"cpu 0", ""},
        {"cpu 9", "Error: invalid CPU index\r\n"},
        {"memsave 0xfffffff0 16 \"" + saved + "\"", ""},
        {"pmemsave 0 16 \"/no/such/x\"", "Error: Could not open '/no/such/x'"},
        {"object_add memory-backend-ram,id=m,size=1M", ""},
        {"object_del m", ""},
        {"object_del m", "Error: "},
        {"info mtree -f", "FlatView\r\n AS \"memory\", root: system\r\n"},
    };
    for (const auto& one : cases) {
        const std::string shown =
            ASSERT_VALUE(qmp().execute("human-monitor-command", {{"command-line", one.line}}));
        EXPECT_TRUE(shown.starts_with(one.shown)) << one.line << ": " << shown;
        EXPECT_EQ(shown.empty(), one.shown.empty()) << one.line << ": " << shown;
    }
    EXPECT_EQ(read_file(saved).substr(0, 4), std::string("\xea\x5b\xe0\0", 4));
    EXPECT_FALSE(qmp().execute("human-monitor-command",
                               {{"command-line", "info registers"}, {"cpu-index", 5}}));
}

TEST_F(HumanMonitor, pseudo_terminal_is_a_monitor) {
    start({"-chardev", "pty,id=p", "-mon", "p"});
    std::string path;
    for (const Json& one : ASSERT_VALUE(qmp().execute("query-chardev"))) {
        if (one["label"] == "p") path = one.value("filename", "").substr(4);
    }
    UniqueFd terminal(open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal) << path;
    Person person(std::move(terminal));
    ASSERT_VALUE(person.read_until(kPrompt));
    EXPECT_NE(ASSERT_VALUE(person.type("info name\r")).find("\r\nvm\r\n"), std::string::npos);
}

TEST_F(HumanMonitor, who_does_not_read_stalls_nobody) {
    start_on_socket();
    StreamPeer deaf = ASSERT_VALUE(StreamPeer::connect(file("mon"), Deadline::in(kUsual)));
    std::string lines;
    for (int i = 0; i < 2000; ++i)
        lines += "help\n";
    // Not all of it is taken: what they cause has a bound.
    (void)deaf.send(lines, Deadline::in(500ms));
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(ASSERT_VALUE(vm().run_state()), "prelaunch");
    EXPECT_EQ(ASSERT_VALUE(vm().terminate()), ExitStatus::exited(0));
}

TEST_F(HumanMonitor, console_is_shared_with_a_serial_port) {
    start({"-serial", "mon:unix:" + file("mon") + ",server=on,wait=off"});
    Person person = ASSERT_VALUE(meet());
    ASSERT_VALUE(
        person.type("\x01"
                    "c",
                    "(qemu) "));
    EXPECT_NE(ASSERT_VALUE(person.type("info chardev\r")).find("serial1: filename=mux"),
              std::string::npos);
    ASSERT_VALUE(
        person.type("sto\x01"
                    "c",
                    "\r\n"));
    ASSERT_VALUE(
        person.type("for the serial port\x01"
                    "c"));
    ASSERT_VALUE(person.type("\x01x", "Terminated"));
    EXPECT_EQ(ASSERT_VALUE(vm().process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
}

TEST_F(HumanMonitor, qmp_may_share_a_terminal_but_not_overtake) {
    start({"-chardev", "socket,id=mx,mux=on,server=on,wait=off,path=" + file("mon"), "-mon",
           "mx,mode=control"});
    QmpClient client = ASSERT_VALUE(QmpClient::connect(file("mon"), Deadline::in(kUsual)));
    EXPECT_EQ(client.greeting()["QMP"]["capabilities"], Json::array());
    EXPECT_FALSE(client.execute("qmp_capabilities", {{"enable", {"oob"}}}));
    ASSERT_VALUE(client.execute("qmp_capabilities"));
    ASSERT_VALUE(client.execute("query-status"));
}

TEST_F(HumanMonitor, pretty_qmp_has_a_line_for_each_member) {
    start({"-qmp-pretty", "unix:" + file("mon") + ",server=on,wait=off"});
    Person person = ASSERT_VALUE(meet());
    const std::string greeting = ASSERT_VALUE(person.read_until("\n}\r\n"));
    EXPECT_TRUE(greeting.starts_with("{\n    \"QMP\": {\n        \"version\": {\n")) << greeting;
    EXPECT_EQ(ASSERT_VALUE(person.type("{'execute':'qmp_capabilities'}\n", "\n}\r\n")),
              "{\n    \"return\": {\n    }\n}\r\n");
    ASSERT_VALUE(qmp().execute("cont"));
    EXPECT_NE(ASSERT_VALUE(person.read_until("\n}\r\n")).find("\n    \"event\": \"RESUME\""),
              std::string::npos);
}

// -nographic: the console is standard input and output, with the monitor behind Control-A.
TEST_F(HumanMonitor, nographic_has_serial_port_and_monitor_on_one_console) {
    const UniqueFd master(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    char path[64] = {};
    ASSERT_TRUE(master && grantpt(master.get()) == 0 && unlockpt(master.get()) == 0 &&
                ptsname_r(master.get(), path, sizeof(path)) == 0);
    Process process = ASSERT_VALUE(
        Process::spawn({.arguments = {binary_path(), "-accel", "tcg", "-S", "-nographic"},
                        .stdout_path = path,
                        .stderr_path = file("err"),
                        .stdin_path = path}));
    Person person{UniqueFd(dup(master.get()))};
    // It may not listen yet.
    usleep(300'000);
    ASSERT_VALUE(
        person.type("\x01"
                    "c"));
    ASSERT_VALUE(person.type("info status\r", "paused (prelaunch)"));
    ASSERT_VALUE(person.type("quit\r", "quit"));
    EXPECT_EQ(ASSERT_VALUE(process.wait(Deadline::in(kUsual))), ExitStatus::exited(0))
        << process.stderr_text();
}

}  // namespace
}  // namespace qc::qtest
