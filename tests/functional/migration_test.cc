// SPDX-License-Identifier: GPL-2.0-or-later
//
// Live migration of a running guest, and all the ways in which it can go wrong:
// whatever happens to the stream or to the destination, the source's guest lives.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/stream_peer.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

// The source's guest runs, makes progress, and its memory is in order.
Result<void> check_alive(Vm& vm, GuestRange range = kSmallIncrementer) {
    const std::string state = TRY(vm.run_state());
    if (state != "running") return fail("{} is {}, not running", vm.name(), state);
    TRY(check_incrementer(vm, range));
    TRY(vm.serial().wait_growth(vm.serial().size(), Deadline::in(kUsual)));
    return check_incrementer(vm, range);
}

// So slow that a migration of a guest that writes never ends by itself.
Result<void> make_endless(Vm& source) {
    TRY(set_parameter(source, "max-bandwidth", 3'000'000));
    return set_parameter(source, "downtime-limit", 1);
}

class Migration : public AccelTest {
 protected:
    PairConfig pair_config(Transport transport) const {
        return {.vm = config("page_incrementer_small"), .transport = transport};
    }
    Result<std::unique_ptr<VmPair>> start_pair(Transport transport = Transport::kUnix) const {
        auto pair = TRY(VmPair::start(pair_config(transport), directory()));
        TRY(pair->primary().serial().wait_for("A", Deadline::in(kUsual)));
        return pair;
    }
};
INSTANTIATE_FOR_ACCELS(Migration);
class MigrationOthers : public Migration {};
INSTANTIATE_TEST_SUITE_P(Others, MigrationOthers, ::testing::Values("tcg_pc"), accel_name);

void migrates_live(VmPair& pair) {
    Vm& source = pair.primary();
    Vm& dest = pair.secondary();
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair.uri()}}));
    ASSERT_VALUE(source.qmp().wait_event("STOP", Deadline::in(kUsual)));
    ASSERT_VALUE(dest.qmp().wait_event("RESUME", Deadline::in(kUsual)));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(source.run_state()), "postmigrate");
    EXPECT_EQ(source.serial().text().substr(0, 1), "A");
    EXPECT_EQ(dest.serial().text().find('A'), std::string::npos) << "the guest was restarted";
    ASSERT_VALUE(check_alive(dest));
    const Json reply = ASSERT_VALUE(source.qmp().execute("query-migrate"));
    EXPECT_GT(reply["ram"]["transferred"], 0);
    EXPECT_EQ(ASSERT_VALUE(source.terminate()), ExitStatus::exited(0));
    EXPECT_EQ(ASSERT_VALUE(dest.terminate()), ExitStatus::exited(0));
}

TEST_P(Migration, live_over_unix_guest_goes_on_at_destination) {
    auto pair = ASSERT_VALUE(start_pair(Transport::kUnix));
    migrates_live(*pair);
}

TEST_P(MigrationOthers, live_over_unix_guest_goes_on_at_destination) {
    auto pair = ASSERT_VALUE(start_pair(Transport::kUnix));
    migrates_live(*pair);
}

TEST_P(Migration, live_over_tcp_guest_goes_on_at_destination) {
    auto pair = ASSERT_VALUE(start_pair(Transport::kTcp));
    migrates_live(*pair);
}

TEST_P(Migration, disk_image_has_one_owner_at_a_time) {
    const std::string image = directory().file("disk.img");
    std::filesystem::copy_file(guest_image("page_incrementer_small"), image);
    PairConfig shared{.vm = config(""), .transport = Transport::kUnix};
    shared.vm.extra = {"-drive", "if=ide,format=raw,file=" + image};
    auto pair = ASSERT_VALUE(VmPair::start(shared, directory()));
    Vm& source = pair->primary();
    Vm& dest = pair->secondary();
    ASSERT_VALUE(source.serial().wait_for("A", Deadline::in(kUsual)));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(dest));
    auto refused = source.qmp().execute("cont");
    ASSERT_FALSE(refused) << "both guests could write to the image";
    EXPECT_NE(refused.error().message().find("lock"), std::string::npos);
    EXPECT_EQ(ASSERT_VALUE(dest.terminate()), ExitStatus::exited(0));
    ASSERT_VALUE(source.qmp().execute("cont"));
    ASSERT_VALUE(check_alive(source));
}

TEST_P(Migration, stopped_source_leaves_destination_stopped) {
    auto pair = ASSERT_VALUE(start_pair());
    Vm& dest = pair->secondary();
    ASSERT_VALUE(pair->primary().qmp().execute("stop"));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(pair->primary().wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(dest.wait_migration("completed", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(dest.run_state()), "paused");
    ASSERT_VALUE(check_incrementer(dest, kSmallIncrementer));
    ASSERT_VALUE(dest.qmp().execute("cont"));
    ASSERT_VALUE(check_alive(dest));
}

TEST_P(Migration, events_tell_the_states_in_order) {
    auto pair = ASSERT_VALUE(start_pair());
    QmpClient& qmp = pair->primary().qmp();
    ASSERT_VALUE(qmp.execute("migrate", {{"uri", pair->uri()}}));
    std::vector<std::string> seen;
    while (seen.empty() || seen.back() != "completed") {
        const Json event = ASSERT_VALUE(qmp.wait_event("MIGRATION", Deadline::in(kUsual)));
        seen.push_back(event["data"]["status"]);
    }
    EXPECT_EQ(seen.front(), "setup");
    EXPECT_EQ(seen[1], "active");
}

TEST_P(Migration, cancelled_source_goes_on_and_can_migrate_again) {
    auto pair = ASSERT_VALUE(start_pair());
    Vm& source = pair->primary();
    ASSERT_VALUE(make_endless(source));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(source.wait_migration("active", Deadline::in(kUsual)));
    EXPECT_FALSE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(source.qmp().execute("migrate_cancel"));
    ASSERT_VALUE(source.wait_migration("cancelled", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(source));
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().process().wait(Deadline::in(kUsual))),
              ExitStatus::exited(1));

    ASSERT_VALUE(set_parameter(source, "max-bandwidth", 1'000'000'000));
    ASSERT_VALUE(set_parameter(source, "downtime-limit", 30'000));
    VmConfig again = config("page_incrementer_small");
    again.name = "again";
    again.incoming = "unix:" + directory().file("again.sock");
    auto dest = ASSERT_VALUE(Vm::start(again, directory()));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", again.incoming}}));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(dest->qmp().wait_event("RESUME", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(*dest));
}

TEST_P(Migration, destination_killed_source_goes_on) {
    auto pair = ASSERT_VALUE(start_pair());
    Vm& source = pair->primary();
    ASSERT_VALUE(make_endless(source));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(source.wait_migration("active", Deadline::in(kUsual)));
    pair->secondary().process().kill_now();
    while (ASSERT_VALUE(source.migration_status()) == "active") {
    }
    const Json reply = ASSERT_VALUE(source.qmp().execute("query-migrate"));
    EXPECT_EQ(reply["status"], "failed");
    EXPECT_NE(reply.value("error-desc", ""), "");
    ASSERT_VALUE(check_alive(source));
}

TEST_P(Migration, source_killed_destination_exits_with_1) {
    auto pair = ASSERT_VALUE(start_pair());
    ASSERT_VALUE(make_endless(pair->primary()));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(pair->primary().wait_migration("active", Deadline::in(kUsual)));
    pair->primary().process().kill_now();
    Process& dest = pair->secondary().process();
    EXPECT_EQ(ASSERT_VALUE(dest.wait(Deadline::in(kUsual))), ExitStatus::exited(1));
    EXPECT_NE(dest.stderr_text(), "");
}

class MigrationErrors : public ::testing::Test {
 protected:
    void SetUp() override {
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
        source_ = ASSERT_VALUE(Vm::start(config("source"), *directory_));
        ASSERT_VALUE(source_->serial().wait_for("A", Deadline::in(kUsual)));
    }

    VmConfig config(std::string name) const {
        VmConfig config;
        config.name = std::move(name);
        config.memory_mib = 16;
        config.image = guest_image("page_incrementer_small");
        return config;
    }

    Result<std::string> wait_failed() {
        while (true) {
            const Json reply = TRY(source_->qmp().execute("query-migrate"));
            const std::string status = reply.value("status", "none");
            if (status == "failed") return reply.value("error-desc", "");
            if (status == "completed") return fail("it completed");
        }
    }

    // A stream as the source sends it, up to where it waits for an answer.
    Result<std::string> record_stream() {
        auto listener = TRY(StreamListener::listen(directory_->file("record.sock")));
        TRY(source_->qmp().execute("migrate",
                                   {{"uri", "unix:" + directory_->file("record.sock")}}));
        std::string stream;
        {
            StreamPeer peer = TRY(listener.accept(Deadline::in(kUsual)));
            TRY(peer.receive_until_quiet(stream, 1s, Deadline::in(kUsual)));
        }
        TRY(wait_failed());
        return stream;
    }

    // Feeds a stream to a new machine, and returns it after it has ended.
    Result<std::pair<ExitStatus, std::string>> feed(std::string_view stream) {
        VmConfig incoming = config(fmt::format("incoming{}", ++machines_));
        const std::string path = directory_->file(incoming.name + ".sock");
        incoming.incoming = "unix:" + path;
        Process process =
            TRY(Process::spawn({.arguments = Vm::command_line(incoming, *directory_),
                                .stdout_path = directory_->file(incoming.name + ".out"),
                                .stderr_path = directory_->file(incoming.name + ".err")}));
        {
            StreamPeer peer = TRY(StreamPeer::connect(path, Deadline::in(kUsual)));
            // It may give up in the middle, as soon as it sees what is wrong.
            static_cast<void>(peer.send(stream, Deadline::in(kUsual)));
            peer.finish_sending();
            TRY(peer.wait_closed(Deadline::in(kUsual)));
        }
        const ExitStatus status = TRY(process.wait(Deadline::in(kUsual)));
        return std::pair(status, process.stderr_text());
    }

    Vm& source() { return *source_; }
    const TempDir& directory() const { return *directory_; }

 private:
    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> source_;
    int machines_ = 0;
};

TEST_F(MigrationErrors, nobody_listens_source_goes_on) {
    const auto reply =
        source().qmp().execute("migrate", {{"uri", "unix:" + directory().file("nobody")}});
    if (reply) {
        EXPECT_NE(ASSERT_VALUE(wait_failed()), "");
    }
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(MigrationErrors, bad_uri_is_an_error) {
    for (const char* uri : {"", "nosuch:x", "tcp:127.0.0.1", "tcp:127.0.0.1:99999", "unix:"}) {
        EXPECT_FALSE(source().qmp().execute("migrate", {{"uri", uri}})) << uri;
    }
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(MigrationErrors, memory_of_another_size_destination_refuses_source_goes_on) {
    VmConfig other = config("other");
    other.memory_mib = 32;
    other.incoming = "unix:" + directory().file("other.sock");
    auto dest = ASSERT_VALUE(Vm::start(other, directory()));
    ASSERT_VALUE(source().qmp().execute("migrate", {{"uri", other.incoming}}));
    ASSERT_VALUE(wait_failed());
    EXPECT_EQ(ASSERT_VALUE(dest->process().wait(Deadline::in(kUsual))), ExitStatus::exited(1));
    EXPECT_NE(dest->process().stderr_text(), "");
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(MigrationErrors, garbage_stream_exits_with_1_and_message) {
    for (const std::string& stream :
         {std::string(), std::string("Q"), std::string("GET / HTTP/1.0\r\n\r\n"),
          std::string(100000, '\0'), std::string("QEVM\0\0\0\x09", 8)}) {
        const auto [status, message] = ASSERT_VALUE(feed(stream));
        EXPECT_EQ(status, ExitStatus::exited(1)) << message;
        EXPECT_NE(message, "");
    }
}

TEST_F(MigrationErrors, truncated_stream_exits_with_1_and_source_goes_on) {
    const std::string stream = ASSERT_VALUE(record_stream());
    ASSERT_GT(stream.size(), 10000U);
    ASSERT_EQ(stream.substr(0, 4), "QEVM");
    std::mt19937 random(1);
    std::vector<size_t> lengths = {4, 8, 9, 20, stream.size() - 1, stream.size()};
    while (lengths.size() < 16)
        lengths.push_back(random() % stream.size());
    for (const size_t length : lengths) {
        const auto [status, message] = ASSERT_VALUE(feed(stream.substr(0, length)));
        EXPECT_EQ(status, ExitStatus::exited(1)) << "cut at " << length << ": " << message;
        EXPECT_NE(message, "") << "cut at " << length;
    }
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(MigrationErrors, flipped_bits_exit_with_1_and_source_goes_on) {
    const std::string stream = ASSERT_VALUE(record_stream());
    std::mt19937 random(2);
    // Half of them in the first and the last bytes, where the framing is densest.
    for (int round = 0; round < 24; ++round) {
        const size_t range = round % 4 == 0 ? 200 : round % 4 == 1 ? 20000 : stream.size();
        const size_t at = round % 4 == 1 ? stream.size() - 1 - random() % range : random() % range;
        std::string flipped = stream;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << random() % 8));
        // A flip inside of a page is not seen; but without the last word from the
        // source a destination never runs, so it ends the same way.
        const auto [status, message] = ASSERT_VALUE(feed(flipped));
        EXPECT_EQ(status, ExitStatus::exited(1)) << "byte " << at << ": " << message;
        EXPECT_NE(message, "") << "byte " << at;
    }
    ASSERT_VALUE(check_alive(source()));
}

TEST_F(MigrationErrors, sigterm_in_the_middle_exits_with_0) {
    ASSERT_VALUE(make_endless(source()));
    auto listener = ASSERT_VALUE(StreamListener::listen(directory().file("deaf.sock")));
    ASSERT_VALUE(
        source().qmp().execute("migrate", {{"uri", "unix:" + directory().file("deaf.sock")}}));
    // The peer is there but reads nothing: the stream is stuck.
    StreamPeer peer = ASSERT_VALUE(listener.accept(Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(source().terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
