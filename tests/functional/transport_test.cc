// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every way on which a migration can travel: files, commands, descriptors,
// addresses in the form of `channels`; and what is refused, with a source that
// goes on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/stream_peer.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

Result<void> check_alive(Vm& vm) {
    const std::string state = TRY(vm.run_state());
    if (state != "running") return fail("{} is {}, not running", vm.name(), state);
    TRY(check_incrementer(vm, kSmallIncrementer));
    TRY(vm.serial().wait_growth(vm.serial().size(), Deadline::in(kUsual)));
    return check_incrementer(vm, kSmallIncrementer);
}

class Transports : public ::testing::Test {
 protected:
    void SetUp() override {
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
        source_ = ASSERT_VALUE(Vm::start(config("source"), *directory_));
        ASSERT_VALUE(set_parameter(source(), "max-bandwidth", 1'000'000'000));
        ASSERT_VALUE(set_parameter(source(), "downtime-limit", 30'000));
        ASSERT_VALUE(source().serial().wait_for("A", Deadline::in(kUsual)));
    }

    VmConfig config(std::string name, std::string incoming = {}) const {
        VmConfig config;
        config.name = std::move(name);
        config.memory_mib = 16;
        config.image = guest_image("page_incrementer_small");
        config.incoming = std::move(incoming);
        return config;
    }
    Result<std::unique_ptr<Vm>> start_destination(const std::string& incoming) {
        return Vm::start(config("dest" + std::to_string(++destinations_), incoming), *directory_);
    }
    Result<void> migrate(const Json& arguments) {
        TRY(source().qmp().execute("migrate", arguments));
        return source().wait_migration("completed", Deadline::in(kUsual));
    }
    Result<std::string> wait_failed() {
        while (true) {
            const Json reply = TRY(source().qmp().execute("query-migrate"));
            const std::string status = reply.value("status", "none");
            if (status == "failed") return reply.value("error-desc", "");
            if (status == "completed") return fail("it completed");
        }
    }
    std::string error_of(const Json& arguments) {
        auto reply = source().qmp().execute("migrate", arguments);
        return reply ? "" : reply.error().message();
    }
    Result<void> goes_on_at(Vm& dest) {
        TRY(dest.wait_migration("completed", Deadline::in(kUsual)));
        if (dest.serial().text().find('A') != std::string::npos) {
            return fail("the guest was restarted");
        }
        return check_alive(dest);
    }

    Vm& source() { return *source_; }
    std::string file(std::string_view name) const { return directory_->file(std::string(name)); }

 private:
    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> source_;
    int destinations_ = 0;
};

TEST_F(Transports, file_of_a_running_guest_is_loaded_and_goes_on) {
    ASSERT_VALUE(migrate({{"uri", "file:" + file("state")}}));
    EXPECT_EQ(ASSERT_VALUE(source().run_state()), "postmigrate");
    auto dest = ASSERT_VALUE(start_destination("defer"));
    ASSERT_VALUE(dest->qmp().execute("migrate-incoming", {{"uri", "file:" + file("state")}}));
    ASSERT_VALUE(goes_on_at(*dest));
    // And once more from the same file, by the command line.
    auto again = ASSERT_VALUE(start_destination("file:" + file("state")));
    ASSERT_VALUE(goes_on_at(*again));
    // The source may go on as well: nobody else has the machine.
    ASSERT_VALUE(source().qmp().execute("cont"));
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(Transports, file_with_offset_has_zeros_and_then_the_magic) {
    ASSERT_VALUE(source().qmp().execute("stop"));
    const std::string uri = "file:" + file("state") + ",offset=0x1000";
    ASSERT_VALUE(migrate({{"uri", uri}}));
    std::ifstream stream(file("state"));
    std::string head(0x1004, 'x');
    stream.read(head.data(), static_cast<std::streamsize>(head.size()));
    EXPECT_EQ(head, std::string(0x1000, '\0') + "QEVM");
    auto dest = ASSERT_VALUE(start_destination(uri));
    ASSERT_VALUE(dest->wait_migration("completed", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(dest->run_state()), "paused");
    ASSERT_VALUE(dest->qmp().execute("cont"));
    ASSERT_VALUE(check_alive(*dest));
}

TEST_F(Transports, file_that_was_cut_off_is_refused_at_every_length) {
    ASSERT_VALUE(source().qmp().execute("stop"));
    ASSERT_VALUE(migrate({{"uri", "file:" + file("state")}}));
    const uintmax_t size = std::filesystem::file_size(file("state"));
    for (uintmax_t length : {uintmax_t{0}, uintmax_t{3}, uintmax_t{100}, size / 2, size - 1}) {
        std::filesystem::resize_file(file("state"), size);
        std::filesystem::copy_file(file("state"), file("cut"),
                                   std::filesystem::copy_options::overwrite_existing);
        std::filesystem::resize_file(file("cut"), length);
        VmConfig incoming = config("cut" + std::to_string(length), "file:" + file("cut"));
        TempDir other = ASSERT_VALUE(TempDir::create());
        Process process =
            ASSERT_VALUE(Process::spawn({.arguments = Vm::command_line(incoming, other),
                                         .stdout_path = other.file("out"),
                                         .stderr_path = other.file("err")}));
        EXPECT_EQ(ASSERT_VALUE(process.wait(Deadline::in(kUsual))), ExitStatus::exited(1))
            << length;
        EXPECT_NE(process.stderr_text().find("load of migration failed"), std::string::npos);
    }
}

TEST_F(Transports, command_writes_and_command_reads) {
    ASSERT_VALUE(migrate({{"uri", "exec:cat > " + file("state")}}));
    auto dest = ASSERT_VALUE(start_destination("exec:cat " + file("state")));
    ASSERT_VALUE(goes_on_at(*dest));
}

TEST_F(Transports, command_that_fails_is_named_and_the_source_goes_on) {
    for (const char* command : {"exec:exit 3", "exec:cat > /dev/null; exit 3",
                                "exec:head -c 100000 > /dev/null; exit 3"}) {
        ASSERT_VALUE(source().qmp().execute("migrate", {{"uri", command}}));
        const std::string error = ASSERT_VALUE(wait_failed());
        EXPECT_NE(error.find("status 3"), std::string::npos) << command << ": " << error;
        ASSERT_VALUE(check_alive(source()));
    }
}

TEST_F(Transports, command_that_never_reads_can_be_cancelled) {
    ASSERT_VALUE(source().qmp().execute("migrate", {{"uri", "exec:sleep 1000"}}));
    ASSERT_VALUE(source().wait_migration("active", Deadline::in(kUsual)));
    ASSERT_VALUE(source().qmp().execute("migrate_cancel"));
    ASSERT_VALUE(source().wait_migration("cancelled", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(Transports, sigterm_and_yank_end_a_command_that_never_reads) {
    ASSERT_VALUE(source().qmp().execute("migrate", {{"uri", "exec:sleep 1000"}}));
    ASSERT_VALUE(source().wait_migration("active", Deadline::in(kUsual)));
    const Json instances = Json::array({{{"type", "migration"}}});
    ASSERT_VALUE(source().qmp().execute_oob("yank", {{"instances", instances}}));
    ASSERT_VALUE(wait_failed());
    ASSERT_VALUE(check_alive(source()));
    ASSERT_VALUE(source().qmp().execute("migrate", {{"uri", "exec:sleep 1000"}}));
    ASSERT_VALUE(source().wait_migration("active", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(source().terminate()), ExitStatus::exited(0));
}

TEST_F(Transports, sigterm_ends_a_destination_whose_command_says_nothing) {
    auto dest = ASSERT_VALUE(start_destination("exec:sleep 1000"));
    EXPECT_EQ(ASSERT_VALUE(dest->terminate()), ExitStatus::exited(0));
}

TEST_F(Transports, source_command_that_fails_ends_the_destination_with_1) {
    TempDir other = ASSERT_VALUE(TempDir::create());
    Process process = ASSERT_VALUE(
        Process::spawn({.arguments = Vm::command_line(config("x", "exec:exit 4"), other),
                        .stdout_path = other.file("out"),
                        .stderr_path = other.file("err")}));
    EXPECT_EQ(ASSERT_VALUE(process.wait(Deadline::in(kUsual))), ExitStatus::exited(1));
    EXPECT_NE(process.stderr_text().find("status 4"), std::string::npos) << process.stderr_text();
}

TEST_F(Transports, passed_socket_pair_carries_a_live_migration) {
    std::array<int, 2> ends;
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    UniqueFd one(ends[0]);
    UniqueFd two(ends[1]);
    auto dest = ASSERT_VALUE(start_destination("defer"));
    ASSERT_VALUE(dest->qmp().pass_fd(two.get(), "fd-mig"));
    ASSERT_VALUE(source().qmp().pass_fd(one.get(), "fd-mig"));
    one.reset();
    two.reset();
    ASSERT_VALUE(dest->qmp().execute("migrate-incoming", {{"uri", "fd:fd-mig"}}));
    ASSERT_VALUE(migrate({{"uri", "fd:fd-mig"}}));
    ASSERT_VALUE(goes_on_at(*dest));
    for (Vm* vm : {&source(), dest.get()}) {
        auto closed = vm->qmp().execute("closefd", {{"fdname", "fd-mig"}});
        ASSERT_FALSE(closed);
        EXPECT_NE(closed.error().message().find("File descriptor named 'fd-mig' not found"),
                  std::string::npos);
    }
}

TEST_F(Transports, passed_file_is_written_and_read_from_where_it_stands) {
    ASSERT_VALUE(source().qmp().execute("stop"));
    UniqueFd fd(open(file("state").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(lseek(fd.get(), 512, SEEK_SET), 512);
    ASSERT_VALUE(source().qmp().pass_fd(fd.get(), "f"));
    ASSERT_VALUE(migrate({{"uri", "fd:f"}}));
    ASSERT_EQ(lseek(fd.get(), 512, SEEK_SET), 512);
    auto dest = ASSERT_VALUE(start_destination("defer"));
    ASSERT_VALUE(dest->qmp().pass_fd(fd.get(), "f"));
    const Json address = {{"transport", "socket"}, {"type", "fd"}, {"str", "f"}};
    const Json channels = {{{"channel-type", "main"}, {"addr", address}}};
    ASSERT_VALUE(dest->qmp().execute("migrate-incoming", {{"channels", channels}}));
    ASSERT_VALUE(dest->wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(dest->qmp().execute("cont"));
    ASSERT_VALUE(check_alive(*dest));
}

TEST_F(Transports, channels_argument_reaches_every_transport) {
    auto dest = ASSERT_VALUE(start_destination("defer"));
    auto main_channel = [](const Json& address) {
        return Json{{"channels", {{{"channel-type", "main"}, {"addr", address}}}}};
    };
    ASSERT_VALUE(dest->qmp().execute(
        "migrate-incoming",
        main_channel(
            {{"transport", "socket"}, {"type", "inet"}, {"host", "127.0.0.1"}, {"port", "0"}})));
    const Json status = ASSERT_VALUE(dest->qmp().execute("query-migrate"));
    Json address = status["socket-address"][0];
    EXPECT_NE(address["port"], "0");
    address["transport"] = "socket";
    ASSERT_VALUE(migrate(main_channel(address)));
    ASSERT_VALUE(goes_on_at(*dest));

    const Json to_file = {{"transport", "file"}, {"filename", file("state")}, {"offset", 4096}};
    ASSERT_VALUE(dest->qmp().execute("migrate", main_channel(to_file)));
    ASSERT_VALUE(dest->wait_migration("completed", Deadline::in(kUsual)));
    auto second = ASSERT_VALUE(start_destination("defer"));
    ASSERT_VALUE(second->qmp().execute("migrate-incoming", main_channel(to_file)));
    ASSERT_VALUE(goes_on_at(*second));

    const Json to_command = {{"transport", "exec"},
                             {"args", {"/bin/dd", "status=none", "of=" + file("copy")}}};
    ASSERT_VALUE(second->qmp().execute("migrate", main_channel(to_command)));
    ASSERT_VALUE(second->wait_migration("completed", Deadline::in(kUsual)));
    auto third = ASSERT_VALUE(start_destination("file:" + file("copy")));
    ASSERT_VALUE(goes_on_at(*third));
}

TEST_F(Transports, arguments_that_contradict_are_refused) {
    const Json address = {{"transport", "socket"}, {"type", "unix"}, {"path", "/nowhere"}};
    const Json channel = {{"channel-type", "main"}, {"addr", address}};
    EXPECT_NE(error_of({{"uri", "unix:/nowhere"}, {"channels", {channel}}}).find("exclusive"),
              std::string::npos);
    EXPECT_NE(error_of(Json::object()).find("'channels' is needed"), std::string::npos);
    EXPECT_NE(error_of({{"channels", Json::array()}}), "");
    EXPECT_NE(error_of({{"channels", {channel, channel}}}), "");
    EXPECT_NE(error_of({{"uri", "file:" + file("x") + ",offset=0x20M"}}), "");
    EXPECT_NE(error_of({{"uri", "fd:nobody"}}).find("'nobody' has not been found"),
              std::string::npos);
    EXPECT_NE(error_of({{"uri", "fd:9999"}}).find("9999"), std::string::npos);
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(Transports, wrong_destinations_leave_the_source_running_and_are_named) {
    struct {
        std::string uri;
        std::string named;
    } cases[] = {
        {"tcp:127.0.0.1:1", "127.0.0.1:1"},
        {"tcp:[::1]:1", "[::1]:1"},
        {"tcp:no-such-host.invalid:1", "no-such-host.invalid"},
        {"unix:/nowhere/socket", "/nowhere/socket"},
        {"file:/nowhere/file", "/nowhere/file"},
        {"file:/dev/full", "/dev/full"},
        {"exec:/nowhere/program", "status 127"},
    };
    for (const auto& one : cases) {
        ASSERT_VALUE(source().qmp().execute("migrate", {{"uri", one.uri}}));
        const std::string error = ASSERT_VALUE(wait_failed().context("{}", one.uri));
        EXPECT_NE(error.find(one.named), std::string::npos) << one.uri << ": " << error;
    }
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(Transports, colo_and_return_path_are_refused_where_nobody_answers) {
    for (const char* capability : {"x-colo", "return-path"}) {
        ASSERT_VALUE(source().set_capabilities({capability}));
        for (const std::string& uri : {"file:" + file("x"), std::string("exec:cat > /dev/null")}) {
            const std::string error = error_of({{"uri", uri}});
            EXPECT_NE(error.find(fmt::format("'{}'", capability)), std::string::npos) << error;
        }
        const Json off = {{{"capability", capability}, {"state", false}}};
        ASSERT_VALUE(source().qmp().execute("migrate-set-capabilities", {{"capabilities", off}}));
    }
    EXPECT_FALSE(std::filesystem::exists(file("x")));
    auto dest = ASSERT_VALUE(start_destination("defer"));
    ASSERT_VALUE(dest->set_capabilities({"x-colo"}));
    EXPECT_FALSE(dest->qmp().execute("migrate-incoming", {{"uri", "file:" + file("x")}}));
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(Transports, silent_strangers_do_not_keep_the_source_out) {
    const std::string path = file("migration.sock");
    auto dest = ASSERT_VALUE(start_destination("unix:" + path));
    std::vector<StreamPeer> strangers;
    for (int i = 0; i < 40; ++i)
        strangers.push_back(ASSERT_VALUE(StreamPeer::connect(path, Deadline::in(kUsual))));
    ASSERT_VALUE(migrate({{"uri", "unix:" + path}}));
    ASSERT_VALUE(goes_on_at(*dest));
}

}  // namespace
}  // namespace qc::qtest
