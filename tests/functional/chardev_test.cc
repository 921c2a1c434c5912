// SPDX-License-Identifier: GPL-2.0-or-later
//
// Character devices through the real binary: every back end added and removed by QMP,
// refusals that leave nothing behind, a serial port whose back end is changed, peers
// that never read, go away or are yanked, monitors, multiplexers and TLS.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/qtest/assertions.h"
#include "tests/qtest/stream_peer.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {
namespace {

using namespace std::chrono_literals;

Json backend(std::string_view type, Json data = Json::object()) {
    return {{"type", type}, {"data", std::move(data)}};
}

Json unix_address(const std::string& path) {
    return {{"type", "unix"}, {"data", {{"path", path}}}};
}

Json inet_address(const std::string& port) {
    return {{"type", "inet"}, {"data", {{"host", "127.0.0.1"}, {"port", port}}}};
}

// A boot sector that prints as fast as the serial port takes it: waits for bit 5 of the
// line status register at 3fdh, writes to 3f8h, and again.
void write_printer(const std::string& path) {
    constexpr uint8_t kCode[] = {0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb,
                                 0xb2, 0xf8, 0xb0, 'x',  0xee, 0xeb, 0xf1};
    // A disk with less than one cylinder is not booted from.
    std::string sector(size_t{1} << 20, '\0');
    std::ranges::copy(kCode, sector.begin());
    sector[510] = '\x55';
    sector[511] = '\xaa';
    std::ofstream(path, std::ios::binary) << sector;
}

class Chardevs : public ::testing::Test {
 protected:
    void SetUp() override { directory_.emplace(ASSERT_VALUE(TempDir::create())); }

    void start(std::vector<std::string> extra = {}, const std::string& image = {}) {
        VmConfig config;
        config.memory_mib = 16;
        config.paused = image.empty();
        config.image = image;
        config.extra = std::move(extra);
        vm_ = ASSERT_VALUE(Vm::start(config, *directory_));
    }
    QmpClient& qmp() { return vm_->qmp(); }
    Vm& vm() { return *vm_; }
    std::string file(const std::string& name) const { return directory_->file(name); }

    Result<Json> add(const std::string& id, const Json& what) {
        return qmp().execute("chardev-add", {{"id", id}, {"backend", what}});
    }
    Result<Json> change(const std::string& id, const Json& what) {
        return qmp().execute("chardev-change", {{"id", id}, {"backend", what}});
    }
    // What query-chardev says; "none" if there is none.
    Result<std::string> filename(const std::string& id) {
        for (const Json& one : TRY(qmp().execute("query-chardev"))) {
            if (one["label"] == id) return one.value("filename", "");
        }
        return std::string("none");
    }
    Result<void> wait_filename(const std::string& id, std::string_view start) {
        const Deadline deadline = Deadline::in(kUsual);
        while (!TRY(filename(id)).starts_with(start)) {
            if (deadline.passed()) return fail("{} is {}", id, TRY(filename(id)));
            usleep(5000);
        }
        return {};
    }
    // Makes serial0 a server on a path, and is its client.
    Result<StreamPeer> take_over_serial(const std::string& path) {
        TRY(change("serial0", backend("socket", {{"addr", unix_address(path)}})));
        return StreamPeer::connect(path, Deadline::in(kUsual));
    }

 private:
    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> vm_;
};

TEST_F(Chardevs, each_back_end_is_added_shown_and_removed) {
    start();
    ASSERT_EQ(mkfifo(file("p.in").c_str(), 0600), 0);
    ASSERT_EQ(mkfifo(file("p.out").c_str(), 0600), 0);
    const struct {
        Json what;
        std::string shown;
    } cases[] = {
        {backend("null"), "null"},
        {backend("ringbuf"), "ringbuf"},
        {backend("memory", {{"size", 16}}), "memory"},
        {backend("file", {{"out", file("f")}}), "file"},
        {backend("pipe", {{"device", file("p")}}), "pipe"},
        {backend("pty"), "pty:/dev/pts/"},
        {backend("udp", {{"remote", inet_address("9")}}), "udp"},
        {backend("mux", {{"chardev", "base"}}), "mux"},
        {backend("socket", {{"addr", unix_address(file("s"))}}), "disconnected:unix:" + file("s")},
        {backend("socket", {{"addr", inet_address("0")}, {"telnet", true}, {"wait", false}}),
         "disconnected:telnet:127.0.0.1:"},
        {backend("socket",
                 {{"addr", inet_address("1")}, {"server", false}, {"reconnect-ms", 1000}}),
         "disconnected:tcp:127.0.0.1:1"},
    };
    ASSERT_VALUE(add("base", backend("null")));
    for (const auto& one : cases) {
        SCOPED_TRACE(one.what.dump());
        const Json reply = ASSERT_VALUE(add("c", one.what));
        EXPECT_EQ(reply.contains("pty"), one.what["type"] == "pty");
        const std::string shown = ASSERT_VALUE(filename("c"));
        EXPECT_TRUE(shown.starts_with(one.shown)) << shown;
        EXPECT_FALSE(add("c", backend("null")));
        ASSERT_VALUE(qmp().execute("chardev-remove", {{"id", "c"}}));
        EXPECT_EQ(ASSERT_VALUE(filename("c")), "none");
    }
}

TEST_F(Chardevs, refusals_name_the_reason_and_leave_nothing) {
    start();
    const struct {
        Json what;
        std::string reason;
    } cases[] = {
        {backend("vc"), "vc"},
        {backend("null", {{"logfile", "/no/such/x"}}), "/no/such/x"},
        {backend("file", {{"out", "/no/such/x"}}), "/no/such/x"},
        {backend("pipe", {{"device", "/no/such/x"}}), "/no/such/x"},
        {backend("ringbuf", {{"size", 100}}), "power of two"},
        {backend("mux", {{"chardev", "zz"}}), "mux: base chardev zz not found"},
        {backend("udp", {{"remote", unix_address("/x")}}), "inet"},
        {backend("socket", {{"addr", unix_address("/no/such/x")}, {"server", false}}),
         "Failed to add chardev 'c': Failed to connect to '/no/such/x'"},
        {backend("socket", {{"addr", unix_address("/x")}, {"server", false}, {"wait", true}}),
         "'wait' option is incompatible"},
        {backend("socket", {{"addr", unix_address("/x")}, {"reconnect", 1}}), "server listen mode"},
        {backend("socket", {{"addr", unix_address("/x")}, {"websocket", true}}), "websocket"},
        {backend("socket", {{"addr", unix_address("/x")}, {"tls-creds", "zz"}}), "'zz'"},
        {backend("socket", {{"addr", {{"type", "fd"}, {"data", {{"str", "zz"}}}}}}), "zz"},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.what.dump());
        const Result<Json> reply = add("c", one.what);
        ASSERT_FALSE(reply);
        EXPECT_NE(reply.error().message().find(one.reason), std::string::npos)
            << reply.error().message();
        EXPECT_EQ(ASSERT_VALUE(filename("c")), "none");
    }
    EXPECT_FALSE(qmp().execute("chardev-remove", {{"id", "serial0"}}));
    EXPECT_FALSE(qmp().execute("chardev-remove", {{"id", "compat_monitor0"}}));
    EXPECT_FALSE(change("compat_monitor0", backend("null")));
    ASSERT_VALUE(qmp().execute("chardev-send-break", {{"id", "serial0"}}));
}

TEST_F(Chardevs, ringbuf_is_written_and_read_by_commands) {
    start();
    ASSERT_VALUE(add("r", backend("ringbuf", {{"size", 8}})));
    ASSERT_VALUE(qmp().execute("ringbuf-write", {{"device", "r"}, {"data", "hello world"}}));
    EXPECT_EQ(ASSERT_VALUE(qmp().execute("ringbuf-read", {{"device", "r"}, {"size", 5}})), "lo wo");
    ASSERT_VALUE(
        qmp().execute("ringbuf-write", {{"device", "r"}, {"data", "/wA="}, {"format", "base64"}}));
    EXPECT_EQ(ASSERT_VALUE(qmp().execute("ringbuf-read",
                                         {{"device", "r"}, {"size", 99}, {"format", "base64"}})),
              "cmxk/wA=");
    EXPECT_FALSE(qmp().execute("ringbuf-read", {{"device", "serial0"}, {"size", 5}}));
    const auto human = [&](const char* line) {
        return qmp().execute("human-monitor-command", {{"command-line", line}});
    };
    EXPECT_EQ(ASSERT_VALUE(human("ringbuf_write r a b")), "");
    EXPECT_EQ(ASSERT_VALUE(human("ringbuf_read r 9")), "a b\r\n");
    EXPECT_EQ(ASSERT_VALUE(human("chardev-remove r")), "");
}

TEST_F(Chardevs, human_monitor_adds_changes_and_removes) {
    start();
    const auto human = [&](const std::string& line) {
        return qmp().execute("human-monitor-command", {{"command-line", line}});
    };
    EXPECT_EQ(ASSERT_VALUE(human("chardev-add ringbuf,id=r,size=64,logfile=" + file("log"))), "");
    EXPECT_EQ(ASSERT_VALUE(human("ringbuf_write r abc")), "");
    EXPECT_EQ(ASSERT_VALUE(human("chardev-change r null")), "");
    EXPECT_EQ(ASSERT_VALUE(filename("r")), "null");
    EXPECT_EQ(ASSERT_VALUE(human("chardev-add null")), "Error: chardev: no id specified\r\n");
    EXPECT_EQ(ASSERT_VALUE(human("chardev-add foo,id=y")),
              "Error: 'foo' is not a valid char driver name\r\n");
    EXPECT_EQ(ASSERT_VALUE(human("chardev-remove nope")), "Error: Chardev 'nope' not found\r\n");
    EXPECT_EQ(ASSERT_VALUE(human("chardev-remove r")), "");
    const std::string pty = ASSERT_VALUE(human("chardev-add pty,id=p"));
    EXPECT_TRUE(pty.starts_with("char device redirected to /dev/pts/")) << pty;
}

TEST_F(Chardevs, back_ends_are_listed) {
    start();
    const Json list = ASSERT_VALUE(qmp().execute("query-chardev-backends"));
    for (const char* name : {"socket", "pty", "ringbuf", "memory", "mux"}) {
        EXPECT_NE(std::ranges::find(list, Json{{"name", name}}), list.end()) << name;
    }
}

TEST_F(Chardevs, serial_port_moves_to_a_socket_and_back) {
    start({}, guest_image("counter"));
    ASSERT_VALUE(vm().serial().wait_growth(0, Deadline::in(kUsual)));
    {
        StreamPeer peer = ASSERT_VALUE(take_over_serial(file("serial.sock")));
        std::string heard;
        (void)peer.receive_until_quiet(heard, 300ms, Deadline::in(1s));
        EXPECT_FALSE(heard.empty());
    }
    EXPECT_FALSE(change("serial0", backend("file", {{"out", "/no/such/x"}})));
    EXPECT_EQ(ASSERT_VALUE(filename("serial0")),
              "disconnected:unix:" + file("serial.sock") + ",server=on");
    const size_t before = vm().serial().size();
    ASSERT_VALUE(
        change("serial0", backend("file", {{"out", vm().serial().path()}, {"append", true}})));
    ASSERT_VALUE(vm().serial().wait_growth(before, Deadline::in(kUsual)));
}

TEST_F(Chardevs, peer_that_never_reads_holds_up_nothing_else_and_is_yanked) {
    write_printer(file("printer"));
    start({}, file("printer"));
    ASSERT_VALUE(vm().serial().wait_for("xxxxxxxx", Deadline::in(kUsual)));
    StreamPeer peer = ASSERT_VALUE(take_over_serial(file("serial.sock")));
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(ASSERT_VALUE(vm().run_state()), "running");
        usleep(20'000);
    }
    const Json instance = {{"type", "chardev"}, {"id", "serial0"}};
    const Json list = ASSERT_VALUE(qmp().execute("query-yank"));
    EXPECT_NE(std::ranges::find(list, instance), list.end()) << list.dump();
    ASSERT_VALUE(qmp().execute_oob("yank", {{"instances", {instance}}}));
    ASSERT_VALUE(peer.wait_closed(Deadline::in(kUsual)));
    StreamPeer next = ASSERT_VALUE(StreamPeer::connect(file("serial.sock"), Deadline::in(kUsual)));
    std::string heard;
    (void)next.receive_until_quiet(heard, 300ms, Deadline::in(1s));
    EXPECT_FALSE(heard.empty());
}

TEST_F(Chardevs, client_connects_again_after_its_peers_death) {
    auto listener = ASSERT_VALUE(StreamListener::listen(file("peer")));
    start({"-chardev", "socket,id=r,reconnect-ms=20,path=" + file("peer"), "-serial", "chardev:r"});
    for (int i = 0; i < 3; ++i) {
        StreamPeer peer = ASSERT_VALUE(listener.accept(Deadline::in(kUsual)));
        ASSERT_VALUE(wait_filename("r", "unix:"));
    }
}

TEST_F(Chardevs, pty_takes_a_serial_port) {
    start({}, guest_image("counter"));
    const Json reply = ASSERT_VALUE(change("serial0", backend("pty")));
    // Not this program's own terminal, which would hang it up at the end.
    const UniqueFd terminal(open(reply.value("pty", "").c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal);
    std::string text(20, '\0');
    for (size_t got = 0; got < text.size();) {
        const ssize_t count = read(terminal.get(), text.data() + got, text.size() - got);
        ASSERT_GT(count, 0);
        got += static_cast<size_t>(count);
    }
    EXPECT_NE(text.find_first_not_of('\0'), std::string::npos);
}

TEST_F(Chardevs, monitor_on_a_named_chardev_has_its_own_thread) {
    start({"-chardev", "socket,id=mon1,server=on,wait=off,path=" + file("mon1"), "-mon",
           "chardev=mon1,mode=control"});
    QmpClient second = ASSERT_VALUE(QmpClient::connect(file("mon1"), Deadline::in(kUsual)));
    ASSERT_VALUE(second.negotiate());
    ASSERT_VALUE(second.execute_oob("query-yank", Json::object()));
    EXPECT_EQ(ASSERT_VALUE(filename("mon1")), "unix:" + file("mon1") + ",server=on");
    EXPECT_FALSE(second.execute("chardev-remove", {{"id", "mon1"}}));
}

TEST_F(Chardevs, multiplexed_terminal_obeys_its_keys) {
    start({"-chardev", "socket,id=mx,mux=on,server=on,wait=off,path=" + file("mx"), "-serial",
           "chardev:mx", "-serial", "chardev:mx"});
    EXPECT_EQ(ASSERT_VALUE(filename("mx")), "mux");
    StreamPeer peer = ASSERT_VALUE(StreamPeer::connect(file("mx"), Deadline::in(kUsual)));
    ASSERT_VALUE(peer.send("\x01h", Deadline::in(kUsual)));
    std::string heard;
    ASSERT_VALUE(peer.receive_until_quiet(heard, 300ms, Deadline::in(2s)));
    EXPECT_NE(heard.find("C-a x"), std::string::npos) << heard;
    ASSERT_VALUE(peer.send("\x01x", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(vm().process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
}

TEST_F(Chardevs, tls_is_agreed_on_and_strangers_are_not_let_in) {
    start();
    for (const char* endpoint : {"server", "client"}) {
        const std::string directory = file(endpoint);
        std::filesystem::create_directories(directory);
        std::ofstream(directory + "/keys.psk") << "qemu:3a1f77c2d40b9e55\n";
        ASSERT_VALUE(qmp().execute("object-add", {{"qom-type", "tls-creds-psk"},
                                                  {"id", endpoint},
                                                  {"endpoint", endpoint},
                                                  {"dir", directory}}));
    }
    const Json address = unix_address(file("tls"));
    ASSERT_VALUE(add("s", backend("socket", {{"addr", address}, {"tls-creds", "server"}})));
    {
        StreamPeer stranger = ASSERT_VALUE(StreamPeer::connect(file("tls"), Deadline::in(kUsual)));
        ASSERT_VALUE(stranger.send("this is not TLS at all\n", Deadline::in(kUsual)));
        ASSERT_VALUE(stranger.wait_closed(Deadline::in(kUsual)));
    }
    EXPECT_TRUE(ASSERT_VALUE(filename("s")).starts_with("disconnected:"));
    ASSERT_VALUE(add(
        "c", backend("socket", {{"addr", address}, {"server", false}, {"tls-creds", "client"}})));
    ASSERT_VALUE(wait_filename("s", "unix:"));
    ASSERT_VALUE(wait_filename("c", "unix:"));
    EXPECT_FALSE(add(
        "d", backend("socket", {{"addr", address}, {"server", false}, {"tls-creds", "server"}})));
}

}  // namespace
}  // namespace qc::qtest
