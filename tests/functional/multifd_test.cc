// SPDX-License-Identifier: GPL-2.0-or-later
//
// Multifd through the program: precopy with every kind of compression and zero
// page, cancel and restart, strangers, and COLO pairs on top of it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <random>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/stream_peer.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

class Multifd : public AccelTest {
 protected:
    PairConfig pair_config(const Json& parameters) const {
        return {.vm = config("page_incrementer_small"),
                .transport = Transport::kTcp,
                .capabilities = {"multifd"},
                .parameters = parameters.dump()};
    }
    void migrates_live(const PairConfig& config) const {
        auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
        Vm& source = pair->primary();
        Vm& dest = pair->secondary();
        ASSERT_VALUE(source.serial().wait_for("A", Deadline::in(kUsual)));
        ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
        ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
        ASSERT_VALUE(dest.qmp().wait_event("RESUME", Deadline::in(kUsual)));
        ASSERT_VALUE(check_alive(dest));
        const Json ram = ASSERT_VALUE(source.qmp().execute("query-migrate"))["ram"];
        EXPECT_GT(ram["multifd-bytes"], 0);
        EXPECT_GT(ram["transferred"], ram["multifd-bytes"]);
        EXPECT_EQ(ASSERT_VALUE(source.terminate()), ExitStatus::exited(0));
        EXPECT_EQ(ASSERT_VALUE(dest.terminate()), ExitStatus::exited(0));
    }
    static Result<void> check_alive(Vm& vm) {
        TRY(check_incrementer(vm, kSmallIncrementer));
        TRY(vm.serial().wait_growth(vm.serial().size(), Deadline::in(kUsual)));
        return check_incrementer(vm, kSmallIncrementer);
    }
};
INSTANTIATE_FOR_ACCELS(Multifd);

TEST_P(Multifd, live_over_sixteen_channels) {
    migrates_live(pair_config({{"multifd-channels", 16}}));
}
TEST_P(Multifd, live_over_unix_sockets) {
    PairConfig config = pair_config({{"multifd-channels", 3}});
    config.transport = Transport::kUnix;
    migrates_live(config);
}
TEST_P(Multifd, live_with_zlib) {
    migrates_live(pair_config({{"multifd-compression", "zlib"}, {"multifd-zlib-level", 2}}));
}
TEST_P(Multifd, live_with_zstd) {
    migrates_live(pair_config({{"multifd-compression", "zstd"}, {"multifd-zstd-level", 2}}));
}
TEST_P(Multifd, live_with_legacy_zero_pages) {
    migrates_live(pair_config({{"zero-page-detection", "legacy"}}));
}
TEST_P(Multifd, live_without_zero_pages) {
    migrates_live(pair_config({{"zero-page-detection", "none"}}));
}

TEST_P(Multifd, cancelled_source_goes_on_and_can_migrate_again) {
    auto pair = ASSERT_VALUE(VmPair::start(pair_config({{"multifd-channels", 16}}), directory()));
    Vm& source = pair->primary();
    ASSERT_VALUE(source.serial().wait_for("A", Deadline::in(kUsual)));
    ASSERT_VALUE(set_parameter(source, "max-bandwidth", 3'000'000));
    ASSERT_VALUE(set_parameter(source, "downtime-limit", 1));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(source.wait_migration("active", Deadline::in(kUsual)));
    // A source that goes before it has said a word leaves a destination that listens on.
    ASSERT_VALUE(pair->secondary().wait_migration("active", Deadline::in(kUsual)));
    ASSERT_VALUE(source.qmp().execute("migrate_cancel"));
    ASSERT_VALUE(source.wait_migration("cancelled", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(source));
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().process().wait(Deadline::in(kUsual))),
              ExitStatus::exited(1));

    ASSERT_VALUE(set_parameter(source, "max-bandwidth", 1'000'000'000));
    ASSERT_VALUE(set_parameter(source, "downtime-limit", 30'000));
    VmConfig again = config("page_incrementer_small");
    again.name = "again";
    again.incoming = "defer";
    auto dest = ASSERT_VALUE(Vm::start(again, directory()));
    ASSERT_VALUE(dest->set_capabilities({"events", "multifd"}));
    ASSERT_VALUE(set_parameter(*dest, "multifd-channels", 16));
    const std::string uri = "unix:" + directory().file("again.sock");
    ASSERT_VALUE(dest->qmp().execute("migrate-incoming", {{"uri", uri}}));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", uri}}));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(dest->qmp().wait_event("RESUME", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(*dest));
}

TEST_P(Multifd, strangers_are_named_and_do_no_harm) {
    PairConfig config = pair_config({{"multifd-channels", 4}});
    config.transport = Transport::kUnix;
    auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
    Vm& source = pair->primary();
    Vm& dest = pair->secondary();
    ASSERT_VALUE(source.serial().wait_for("A", Deadline::in(kUsual)));
    const std::string path = pair->uri().substr(5);
    auto silent = ASSERT_VALUE(StreamPeer::connect(path, Deadline::in(kUsual)));
    auto babbler = ASSERT_VALUE(StreamPeer::connect(path, Deadline::in(kUsual)));
    ASSERT_VALUE(babbler.send("GET / HTTP/1.0\r\n\r\n", Deadline::in(kUsual)));
    ASSERT_VALUE(babbler.wait_closed(Deadline::in(kUsual)));
    // A channel of a migration that does not exist.
    std::string hello = {'\x11', '\x22', '\x33', '\x44', 0, 0, 0, 1};
    hello.resize(64, '\0');
    auto wrong = ASSERT_VALUE(StreamPeer::connect(path, Deadline::in(kUsual)));
    ASSERT_VALUE(wrong.send(hello, Deadline::in(kUsual)));

    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(dest.qmp().wait_event("RESUME", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(dest));
    const std::string log = dest.process().stderr_text();
    EXPECT_NE(log.find("0x47455420"), std::string::npos) << log;
    EXPECT_NE(log.find("another migration"), std::string::npos) << log;
}

TEST_P(Multifd, stream_without_multifd_is_refused_by_name) {
    auto pair = ASSERT_VALUE(VmPair::start(pair_config(Json::object()), directory()));
    Vm& source = pair->primary();
    ASSERT_VALUE(source.serial().wait_for("A", Deadline::in(kUsual)));
    const Json off = Json::array({{{"capability", "multifd"}, {"state", false}}});
    ASSERT_VALUE(source.qmp().execute("migrate-set-capabilities", {{"capabilities", off}}));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().process().wait(Deadline::in(kUsual))),
              ExitStatus::exited(1));
    EXPECT_NE(pair->secondary().process().stderr_text().find("'multifd'"), std::string::npos);
    ASSERT_VALUE(check_alive(source));
}

class MultifdColo : public Multifd {
 protected:
    PairConfig colo_config(const Json& parameters = Json::object()) const {
        PairConfig pair = pair_config(parameters);
        pair.capabilities = {"x-colo", "multifd"};
        return pair;
    }
    void checkpoints_leave_equal_states(PairConfig config) const {
        config.vm.memory_mib = 32;
        config.checkpoint_delay_ms = 10;
        auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
        ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-verify", true));
        ASSERT_VALUE(pair->enter_colo());
        ASSERT_VALUE(pair->wait_checkpoints(50));
        EXPECT_EQ(ASSERT_VALUE(pair->primary().migration_status()), "colo");
        for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
            EXPECT_EQ(vm->qmp().count_events("COLO_EXIT"), 0U) << vm->process().stderr_text();
        }
        const Json colo = ASSERT_VALUE(pair->primary().qmp().execute("query-migrate"))["colo"];
        // The primary compares the last one a moment after the secondary has resumed.
        EXPECT_GE(colo["verified"], 49);
    }
};
INSTANTIATE_FOR_ACCELS(MultifdColo);

TEST_P(MultifdColo, checkpoints_leave_equal_states) {
    checkpoints_leave_equal_states(colo_config());
}
TEST_P(MultifdColo, checkpoints_into_a_cache_leave_equal_states) {
    checkpoints_leave_equal_states(colo_config({{"x-colo-method", "cache"}}));
}
TEST_P(MultifdColo, checkpoints_with_zlib_leave_equal_states) {
    checkpoints_leave_equal_states(colo_config({{"multifd-compression", "zlib"}}));
}
TEST_P(MultifdColo, checkpoints_with_zstd_and_four_channels_leave_equal_states) {
    checkpoints_leave_equal_states(
        colo_config({{"multifd-compression", "zstd"}, {"multifd-channels", 4}}));
}
TEST_P(MultifdColo, checkpoints_with_legacy_zero_pages_leave_equal_states) {
    checkpoints_leave_equal_states(colo_config({{"zero-page-detection", "legacy"}}));
}

TEST_P(MultifdColo, side_killed_at_a_random_moment_other_goes_on) {
    const uint32_t seed = std::random_device()();
    std::mt19937 random(seed);
    for (int round = 0; round < 4; ++round) {
        SCOPED_TRACE(fmt::format("seed {}, round {}", seed, round));
        PairConfig config = colo_config();
        // Checkpoints are dense, so that about half of the kills hit one.
        config.checkpoint_delay_ms = static_cast<int>(random() % 30);
        const bool kill_primary = round % 2 == 0;
        auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
        ASSERT_VALUE(pair->enter_colo());
        usleep(random() % 300'000);
        Vm& victim = kill_primary ? pair->primary() : pair->secondary();
        Vm& survivor = kill_primary ? pair->secondary() : pair->primary();
        victim.process().kill_now();
        ASSERT_VALUE(take_over(survivor));
        ASSERT_VALUE(
            check_survivor(survivor, kill_primary ? "secondary" : "primary", kSmallIncrementer));
        EXPECT_EQ(ASSERT_VALUE(survivor.terminate()), ExitStatus::exited(0));
    }
}

}  // namespace
}  // namespace qc::qtest
