// SPDX-License-Identifier: GPL-2.0-or-later
//
// Capabilities and parameters of migration, through the program: what they do,
// what they refuse, and how the processes end.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

constexpr const char* kOneUuid = "11111111-1111-1111-1111-111111111111";
constexpr const char* kOtherUuid = "22222222-2222-2222-2222-222222222222";

// The guest runs, makes progress, and its memory is in order.
Result<void> check_alive(Vm& vm) {
    // A failover is reported a moment before the guest runs.
    std::string state = TRY(vm.run_state());
    for (int i = 0; i < 500 && state == "colo"; ++i) {
        std::this_thread::sleep_for(10ms);
        state = TRY(vm.run_state());
    }
    if (state != "running") return fail("{} is {}, not running", vm.name(), state);
    TRY(check_incrementer(vm, kSmallIncrementer));
    TRY(vm.serial().wait_growth(vm.serial().size(), Deadline::in(kUsual)));
    return check_incrementer(vm, kSmallIncrementer);
}

std::string error_of(Vm& vm, const std::string& command, const Json& arguments) {
    const auto reply = vm.qmp().execute(command, arguments);
    return reply ? "no error" : reply.error().message();
}

std::string set_error(Vm& vm, const std::string& parameter, const Json& value) {
    return error_of(vm, "migrate-set-parameters", {{parameter, value}});
}

class MigrationFeatures : public AccelTest {
 protected:
    Result<std::unique_ptr<VmPair>> start_pair(std::vector<std::string> capabilities = {}) const {
        PairConfig pair_config{.vm = config("page_incrementer_small"),
                               .transport = Transport::kUnix,
                               .capabilities = std::move(capabilities)};
        auto pair = TRY(VmPair::start(pair_config, directory()));
        TRY(pair->primary().serial().wait_for("A", Deadline::in(kUsual)));
        return pair;
    }
    static Result<void> begin(VmPair& pair) {
        TRY(pair.primary().qmp().execute("migrate", {{"uri", pair.uri()}}));
        return {};
    }
    static Result<void> complete(VmPair& pair) {
        TRY(pair.primary().wait_migration("completed", Deadline::in(kUsual)));
        TRY(pair.secondary().qmp().wait_event("RESUME", Deadline::in(kUsual)));
        return check_alive(pair.secondary());
    }
};
INSTANTIATE_FOR_ACCELS(MigrationFeatures);

TEST_P(MigrationFeatures, return_path_on_works_as_without) {
    auto pair = ASSERT_VALUE(start_pair({"return-path"}));
    ASSERT_VALUE(begin(*pair));
    ASSERT_VALUE(complete(*pair));
}

TEST_P(MigrationFeatures, switchover_ack_on_both_sides_completes) {
    auto pair = ASSERT_VALUE(start_pair({"return-path", "switchover-ack"}));
    ASSERT_VALUE(begin(*pair));
    ASSERT_VALUE(complete(*pair));
}

TEST_P(MigrationFeatures, pause_before_switchover_waits_for_migrate_continue) {
    auto pair = ASSERT_VALUE(start_pair({"pause-before-switchover"}));
    Vm& source = pair->primary();
    ASSERT_VALUE(begin(*pair));
    ASSERT_VALUE(source.wait_migration("pre-switchover", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(source.run_state()), "finish-migrate");
    EXPECT_NE(error_of(source, "migrate-continue", {{"state", "device"}}).find("pre-switchover"),
              std::string::npos);
    ASSERT_VALUE(source.qmp().execute("migrate-continue", {{"state", "pre-switchover"}}));
    ASSERT_VALUE(complete(*pair));
}

TEST_P(MigrationFeatures, pause_before_switchover_cancelled_source_goes_on) {
    auto pair = ASSERT_VALUE(start_pair({"pause-before-switchover"}));
    ASSERT_VALUE(begin(*pair));
    ASSERT_VALUE(pair->primary().wait_migration("pre-switchover", Deadline::in(kUsual)));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate_cancel"));
    ASSERT_VALUE(pair->primary().wait_migration("cancelled", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(pair->primary()));
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().process().wait(Deadline::in(kUsual))),
              ExitStatus::exited(1));
}

TEST_P(MigrationFeatures, xbzrle_sends_differences_and_tells_the_numbers) {
    auto pair = ASSERT_VALUE(start_pair({"xbzrle"}));
    Vm& source = pair->primary();
    ASSERT_VALUE(set_parameter(source, "xbzrle-cache-size", 33'554'432));
    ASSERT_VALUE(set_parameter(source, "max-bandwidth", 20'000'000));
    ASSERT_VALUE(set_parameter(source, "downtime-limit", 1));
    ASSERT_VALUE(begin(*pair));
    Json info;
    do {
        std::this_thread::sleep_for(10ms);
        info = ASSERT_VALUE(source.qmp().execute("query-migrate"));
        ASSERT_NE(info["status"], "failed") << info;
    } while (info["status"] != "completed" &&
             (!info.contains("xbzrle-cache") || info["xbzrle-cache"]["pages"] < 2000));
    ASSERT_VALUE(set_parameter(source, "downtime-limit", 30'000));
    ASSERT_VALUE(set_parameter(source, "max-bandwidth", 1'000'000'000));
    ASSERT_VALUE(complete(*pair));
    const Json xbzrle = ASSERT_VALUE(source.qmp().execute("query-migrate"))["xbzrle-cache"];
    EXPECT_EQ(xbzrle["cache-size"], 33'554'432);
    EXPECT_GT(xbzrle["pages"], 0) << xbzrle;
    EXPECT_GT(xbzrle["encoding-rate"], 20) << xbzrle;
    EXPECT_GT(xbzrle["cache-miss"], 0) << xbzrle;
}

TEST_P(MigrationFeatures, xbzrle_in_checkpoints_keeps_memory_equal_on_both_sides) {
    auto pair = ASSERT_VALUE(start_pair({"x-colo", "xbzrle"}));
    Vm& source = pair->primary();
    ASSERT_VALUE(set_parameter(source, "x-colo-verify", true));
    ASSERT_VALUE(set_parameter(source, "x-colo-method", "cache"));
    ASSERT_VALUE(set_parameter(source, "x-checkpoint-delay", 100));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(4));
    const Json before = ASSERT_VALUE(source.qmp().execute("query-migrate"));
    ASSERT_VALUE(pair->wait_checkpoints(3));
    const Json after = ASSERT_VALUE(source.qmp().execute("query-migrate"));
    EXPECT_GT(after["colo"]["verified"], 5) << after;
    EXPECT_GT(after["xbzrle-cache"]["pages"], before["xbzrle-cache"]["pages"]) << after;
    // The cache becomes another one in between.
    ASSERT_VALUE(set_parameter(source, "xbzrle-cache-size", 8'388'608));
    ASSERT_VALUE(pair->wait_checkpoints(3));
    EXPECT_EQ(ASSERT_VALUE(source.qmp().execute("query-migrate"))["xbzrle-cache"]["cache-size"],
              8'388'608);
}

TEST_P(MigrationFeatures, auto_converge_slows_the_guest_down_step_by_step) {
    auto pair = ASSERT_VALUE(start_pair({"auto-converge"}));
    Vm& source = pair->primary();
    for (const auto& [name, value] :
         {std::pair("max-bandwidth", 3'000'000), std::pair("downtime-limit", 1),
          std::pair("cpu-throttle-initial", 5), std::pair("cpu-throttle-increment", 25),
          std::pair("max-cpu-throttle", 95)}) {
        ASSERT_VALUE(set_parameter(source, name, value));
    }
    ASSERT_VALUE(begin(*pair));
    int percent = 0;
    while (percent <= 5) {
        const Json info = ASSERT_VALUE(source.qmp().execute("query-migrate"));
        ASSERT_TRUE(info["status"] == "setup" || info["status"] == "active") << info;
        const int now = info.value("cpu-throttle-percentage", 0);
        EXPECT_TRUE(percent != 0 || now == 0 || now == 5) << now;
        percent = now;
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(percent, 30);
    // It runs on, slowly, and a stop does not wait for its naps.
    ASSERT_VALUE(check_alive(source));
    ASSERT_VALUE(set_parameter(source, "downtime-limit", 30'000));
    ASSERT_VALUE(set_parameter(source, "max-bandwidth", 1'000'000'000));
    ASSERT_VALUE(complete(*pair));
    const Json info = ASSERT_VALUE(source.qmp().execute("query-migrate"));
    EXPECT_FALSE(info.contains("cpu-throttle-percentage"));
}

TEST_P(MigrationFeatures, cancelled_migration_takes_the_throttle_away) {
    auto pair = ASSERT_VALUE(start_pair({"auto-converge"}));
    Vm& source = pair->primary();
    ASSERT_VALUE(set_parameter(source, "max-bandwidth", 3'000'000));
    ASSERT_VALUE(set_parameter(source, "downtime-limit", 1));
    ASSERT_VALUE(set_parameter(source, "cpu-throttle-initial", 99));
    ASSERT_VALUE(begin(*pair));
    while (
        ASSERT_VALUE(source.qmp().execute("query-migrate")).value("cpu-throttle-percentage", 0) ==
        0) {
        std::this_thread::sleep_for(20ms);
    }
    ASSERT_VALUE(source.qmp().execute("migrate_cancel"));
    ASSERT_VALUE(source.wait_migration("cancelled", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(source));
    const Json info = ASSERT_VALUE(source.qmp().execute("query-migrate"));
    EXPECT_FALSE(info.contains("cpu-throttle-percentage"));
}

TEST_P(MigrationFeatures, colo_with_return_path_and_pause_before_switchover) {
    auto pair = ASSERT_VALUE(start_pair({"x-colo", "return-path", "pause-before-switchover"}));
    Vm& source = pair->primary();
    ASSERT_VALUE(begin(*pair));
    ASSERT_VALUE(source.wait_migration("pre-switchover", Deadline::in(kUsual)));
    ASSERT_VALUE(source.qmp().execute("human-monitor-command",
                                      {{"command-line", "migrate_continue pre-switchover"}}));
    ASSERT_VALUE(source.wait_migration("colo", Deadline::in(kUsual)));
    ASSERT_VALUE(pair->wait_checkpoints(3));
    ASSERT_VALUE(take_over(pair->secondary()));
    ASSERT_VALUE(pair->secondary().qmp().wait_event("COLO_EXIT", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(pair->secondary()));
}

TEST_P(MigrationFeatures, slow_checkpoint_is_an_event_and_statistics_are_shown) {
    auto pair = ASSERT_VALUE(start_pair({"x-colo"}));
    Vm& source = pair->primary();
    ASSERT_VALUE(set_parameter(source, "x-colo-slow-checkpoint", 1));
    // Comparing all memory takes longer than that.
    ASSERT_VALUE(set_parameter(source, "x-colo-verify", true));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(2));
    const Json event =
        ASSERT_VALUE(source.qmp().wait_event("COLO_CHECKPOINT_SLOW", Deadline::in(kUsual)));
    const Json& checkpoint = event["data"]["checkpoint"];
    EXPECT_GT(checkpoint["pause"], 1000) << event;
    EXPECT_GT(checkpoint["phases"].size(), 4U) << event;
    const Json colo = ASSERT_VALUE(source.qmp().execute("query-migrate"))["colo"];
    EXPECT_EQ(colo["role"], "primary");
    EXPECT_GE(colo["checkpoints"], 1);
    // Sent whole, or compared first; which of them is the guests' doing.
    EXPECT_GT(colo["pages"].get<int64_t>() + colo["pages-compared"].get<int64_t>(), 0) << colo;
    const Json text = ASSERT_VALUE(
        source.qmp().execute("human-monitor-command", {{"command-line", "info colo"}}));
    EXPECT_NE(text.get<std::string>().find("sent ahead"), std::string::npos) << text;
    ASSERT_VALUE(take_over(source));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(source.qmp().wait_event("COLO_EXIT", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(source));
}

// Both machines have the image; whoever has taken it keeps the other from running.
TEST_P(MigrationFeatures, late_block_activate_leaves_the_image_to_who_continues_first) {
    for (const bool late : {false, true}) {
        const std::string image = directory().file("disk.img");
        std::filesystem::copy_file(guest_image("page_incrementer_small"), image,
                                   std::filesystem::copy_options::overwrite_existing);
        PairConfig shared{.vm = config(""), .transport = Transport::kUnix};
        shared.vm.extra = {"-drive", "if=ide,format=raw,file=" + image};
        if (late) shared.capabilities = {"late-block-activate"};
        auto pair = ASSERT_VALUE(VmPair::start(shared, directory()));
        Vm& source = pair->primary();
        ASSERT_VALUE(source.serial().wait_for("A", Deadline::in(kUsual)));
        ASSERT_VALUE(source.qmp().execute("stop"));
        ASSERT_VALUE(begin(*pair));
        ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
        auto continued = source.qmp().execute("cont");
        EXPECT_EQ(continued.has_value(), late);
        auto other = pair->secondary().qmp().execute("cont");
        EXPECT_EQ(other.has_value(), !late);
        ASSERT_VALUE(check_alive(late ? source : pair->secondary()));
    }
}

class MigrationUuid : public ::testing::Test {
 protected:
    void SetUp() override { directory_.emplace(ASSERT_VALUE(TempDir::create())); }

    VmConfig config(std::string name, const char* uuid) const {
        VmConfig config;
        config.name = std::move(name);
        config.memory_mib = 16;
        config.image = guest_image("page_incrementer_small");
        if (uuid != nullptr) config.extra = {"-uuid", uuid};
        return config;
    }

    void start(const char* source_uuid, const char* dest_uuid) {
        source_ = ASSERT_VALUE(Vm::start(config("source", source_uuid), *directory_));
        VmConfig incoming = config("dest", dest_uuid);
        incoming.incoming = "unix:" + directory_->file("migration.sock");
        dest_ = ASSERT_VALUE(Vm::start(incoming, *directory_));
        ASSERT_VALUE(source_->set_capabilities({"validate-uuid"}));
        ASSERT_VALUE(source_->serial().wait_for("A", Deadline::in(kUsual)));
        ASSERT_VALUE(source_->qmp().execute("migrate", {{"uri", incoming.incoming}}));
    }

    void expect_completed() {
        ASSERT_VALUE(source_->wait_migration("completed", Deadline::in(kUsual)));
        ASSERT_VALUE(dest_->qmp().wait_event("RESUME", Deadline::in(kUsual)));
        ASSERT_VALUE(check_alive(*dest_));
    }

    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> source_;
    std::unique_ptr<Vm> dest_;
};

TEST_F(MigrationUuid, equal_ones_migrate) {
    start(kOneUuid, kOneUuid);
    EXPECT_EQ(ASSERT_VALUE(source_->qmp().execute("query-uuid"))["UUID"], kOneUuid);
    expect_completed();
}

TEST_F(MigrationUuid, different_ones_destination_exits_with_1_source_goes_on) {
    start(kOneUuid, kOtherUuid);
    EXPECT_EQ(ASSERT_VALUE(dest_->process().wait(Deadline::in(kUsual))), ExitStatus::exited(1));
    EXPECT_NE(dest_->process().stderr_text().find(kOtherUuid), std::string::npos);
    ASSERT_VALUE(check_alive(*source_));
}

TEST_F(MigrationUuid, source_without_one_migrates) {
    start(nullptr, kOneUuid);
    expect_completed();
}

TEST_F(MigrationUuid, destination_without_one_migrates) {
    start(kOneUuid, nullptr);
    expect_completed();
}

TEST_F(MigrationUuid, other_number_of_processors_is_refused_source_goes_on) {
    VmConfig two = config("source", nullptr);
    two.extra = {"-smp", "2"};
    source_ = ASSERT_VALUE(Vm::start(two, *directory_));
    VmConfig four = config("dest", nullptr);
    four.extra = {"-smp", "4,sockets=2"};
    four.incoming = "unix:" + directory_->file("migration.sock");
    dest_ = ASSERT_VALUE(Vm::start(four, *directory_));
    ASSERT_VALUE(source_->serial().wait_for("A", Deadline::in(kUsual)));
    ASSERT_VALUE(source_->qmp().execute("migrate", {{"uri", four.incoming}}));
    EXPECT_EQ(ASSERT_VALUE(dest_->process().wait(Deadline::in(kUsual))), ExitStatus::exited(1));
    const std::string reason = dest_->process().stderr_text();
    EXPECT_NE(reason.find("the source has 2 CPUs, this machine 4: -smp "
                          "2,sockets=1,cores=2,threads=1 there, -smp "
                          "4,sockets=2,cores=2,threads=1 here"),
              std::string::npos)
        << reason;
    ASSERT_VALUE(check_alive(*source_));
}

TEST_P(MigrationFeatures, nobody_listens_ends_as_failed_and_the_source_runs) {
    auto vm = ASSERT_VALUE(Vm::start(config("page_incrementer_small"), directory()));
    ASSERT_VALUE(vm->serial().wait_for("A", Deadline::in(kUsual)));
    ASSERT_VALUE(vm->qmp().execute("migrate_cancel"));
    ASSERT_VALUE(vm->qmp().execute("migrate", {{"uri", "tcp:127.0.0.1:0"}}));
    std::string status;
    do {
        status = ASSERT_VALUE(vm->migration_status());
        ASSERT_TRUE(status == "setup" || status == "failed") << status;
    } while (status != "failed");
    EXPECT_NE(ASSERT_VALUE(vm->qmp().execute("query-migrate")).value("error-desc", ""), "");
    ASSERT_VALUE(vm->qmp().execute("migrate_cancel"));
    ASSERT_VALUE(check_alive(*vm));
}

class MigrationSettings : public ::testing::Test {
 protected:
    void SetUp() override {
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
        VmConfig config;
        config.memory_mib = 16;
        config.paused = true;
        vm_ = ASSERT_VALUE(Vm::start(config, *directory_));
    }
    Vm& vm() { return *vm_; }

    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> vm_;
};

TEST_F(MigrationSettings, capabilities_are_off_settable_and_read_back) {
    const Json all = ASSERT_VALUE(vm().qmp().execute("query-migrate-capabilities"));
    EXPECT_EQ(all.size(), 24U);
    for (const Json& one : all) {
        EXPECT_EQ(one["state"], false) << one;
        const Json change = {{"capability", one["capability"]}, {"state", true}};
        const std::string error =
            error_of(vm(), "migrate-set-capabilities", {{"capabilities", Json::array({change})}});
        if (error == "no error") continue;
        // Refused, then by name; and it stays off.
        EXPECT_NE(error.find(one["capability"].get<std::string>()), std::string::npos) << error;
    }
    const Json after = ASSERT_VALUE(vm().qmp().execute("query-migrate-capabilities"));
    int on = 0;
    for (const Json& one : after)
        on += one["state"] == true ? 1 : 0;
    EXPECT_GT(on, 5);
    EXPECT_LT(on, 24);
}

TEST_F(MigrationSettings, parameters_are_read_back) {
    const std::pair<const char*, Json> values[] = {
        {"max-bandwidth", 1'000'000'000'000},
        {"avail-switchover-bandwidth", 5},
        {"downtime-limit", 30'000},
        {"x-checkpoint-delay", 300},
        {"throttle-trigger-threshold", 70},
        {"cpu-throttle-initial", 5},
        {"cpu-throttle-increment", 25},
        {"cpu-throttle-tailslow", true},
        {"max-cpu-throttle", 95},
        {"xbzrle-cache-size", 33'554'432},
        {"multifd-channels", 16},
        {"multifd-compression", "zstd"},
        {"multifd-zlib-level", 9},
        {"multifd-zstd-level", 20},
        {"zero-page-detection", "legacy"},
    };
    for (const auto& [name, value] : values) {
        SCOPED_TRACE(name);
        ASSERT_VALUE(set_parameter(vm(), name, value));
    }
}

TEST_F(MigrationSettings, parameters_out_of_range_are_refused_and_stay) {
    const Json before = ASSERT_VALUE(vm().qmp().execute("query-migrate-parameters"));
    EXPECT_NE(set_error(vm(), "downtime-limit", 2'000'001).find("downtime_limit"),
              std::string::npos);
    EXPECT_NE(set_error(vm(), "multifd-channels", 0).find("multifd_channels"), std::string::npos);
    EXPECT_NE(set_error(vm(), "multifd-channels", 256), "no error");
    EXPECT_NE(set_error(vm(), "multifd-zlib-level", 10), "no error");
    EXPECT_NE(set_error(vm(), "multifd-compression", "lzma"), "no error");
    EXPECT_NE(set_error(vm(), "max-bandwidth", -1), "no error");
    EXPECT_NE(set_error(vm(), "no-such-parameter", 1), "no error");
    EXPECT_EQ(ASSERT_VALUE(vm().qmp().execute("query-migrate-parameters")), before);
}

TEST_F(MigrationSettings, channel_set_up_is_frozen_while_a_source_is_awaited) {
    VmConfig config;
    config.name = "incoming";
    config.memory_mib = 16;
    config.incoming = "unix:" + directory_->file("migration.sock");
    auto incoming = ASSERT_VALUE(Vm::start(config, *directory_));
    EXPECT_NE(set_error(*incoming, "multifd-channels", 4).find("multifd-channels"),
              std::string::npos);
    EXPECT_NE(set_error(*incoming, "multifd-compression", "zlib"), "no error");
    EXPECT_FALSE(incoming->set_capabilities({"multifd"}));
    ASSERT_VALUE(incoming->set_capabilities({"x-colo"}));
    ASSERT_VALUE(set_parameter(*incoming, "x-checkpoint-delay", 500));
}

TEST_F(MigrationSettings, postcopy_is_refused_by_name) {
    EXPECT_FALSE(vm().set_capabilities({"postcopy-ram"}));
    EXPECT_NE(error_of(vm(), "migrate-start-postcopy", Json::object()).find("postcopy"),
              std::string::npos);
    EXPECT_NE(error_of(vm(), "migrate-pause", Json::object()).find("postcopy"), std::string::npos);
    EXPECT_NE(error_of(vm(), "migrate-recover", {{"uri", "unix:/nowhere"}}).find("postcopy"),
              std::string::npos);
}

TEST_F(MigrationSettings, hmp_shows_and_sets_what_qmp_does) {
    auto hmp = [&](const std::string& line) {
        const auto reply = vm().qmp().execute("human-monitor-command", {{"command-line", line}});
        return reply ? reply->get<std::string>() : reply.error().message();
    };
    EXPECT_EQ(hmp("migrate_set_capability xbzrle on"), "");
    EXPECT_NE(hmp("info migrate_capabilities").find("xbzrle: on"), std::string::npos);
    EXPECT_EQ(hmp("migrate_set_parameter xbzrle-cache-size 4k"), "");
    EXPECT_EQ(hmp("migrate_set_parameter max-bandwidth 1"), "");
    EXPECT_EQ(hmp("migrate_set_parameter downtime-limit 1"), "");
    EXPECT_EQ(hmp("migrate_set_parameter cpu-throttle-tailslow on"), "");
    const std::string parameters = hmp("info migrate_parameters");
    EXPECT_NE(parameters.find("xbzrle-cache-size: 4096 bytes"), std::string::npos) << parameters;
    EXPECT_NE(parameters.find("max-bandwidth: 1048576 bytes/second"), std::string::npos);
    EXPECT_NE(parameters.find("downtime-limit: 1 ms"), std::string::npos);
    EXPECT_NE(parameters.find("cpu-throttle-tailslow: on"), std::string::npos);
    EXPECT_NE(hmp("migrate_set_parameter xbzrle-cache-size 5000").find("power of two"),
              std::string::npos);
    EXPECT_NE(hmp("migrate_set_capability nosuch on").find("nosuch"), std::string::npos);
    EXPECT_NE(hmp("migrate_continue pre-switchover").find("not in expected state"),
              std::string::npos);
    EXPECT_NE(hmp("x_colo_lost_heartbeat").find("COLO"), std::string::npos);
    EXPECT_NE(hmp("info colo").find("mode: none"), std::string::npos);
}

TEST_F(MigrationSettings, colo_refuses_what_it_excludes_by_name) {
    ASSERT_VALUE(vm().set_capabilities({"x-colo"}));
    for (const char* other : {"postcopy-ram", "mapped-ram", "background-snapshot", "release-ram"}) {
        auto refused = vm().set_capabilities({other});
        ASSERT_FALSE(refused) << other;
        EXPECT_NE(refused.error().message().find(other), std::string::npos);
        EXPECT_NE(refused.error().message().find("x-colo"), std::string::npos);
    }
}

}  // namespace
}  // namespace qc::qtest
