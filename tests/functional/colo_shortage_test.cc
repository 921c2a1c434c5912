// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a host runs short of: memory on the secondary, room in a file. What can go on
// does; what cannot ends with a message and status 1, never with a signal.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "tests/qtest/assertions.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

class Shortage : public ::testing::Test {
 protected:
    void SetUp() override { directory_.emplace(ASSERT_VALUE(TempDir::create())); }

    Result<void> start_pair(int memory_mib) {
        PairConfig config;
        config.vm.image = guest_image("page_incrementer_small");
        config.vm.memory_mib = memory_mib;
        config.capabilities = {"x-colo"};
        config.checkpoint_delay_ms = 50;
        pair_ = TRY(VmPair::start(config, *directory_));
        return {};
    }

    static Result<void> check_alive(Vm& vm) {
        TRY(wait_run_state(vm, "running"));
        TRY(check_incrementer(vm, kSmallIncrementer));
        TRY(vm.serial().wait_growth(vm.serial().size(), Deadline::in(kUsual)));
        return check_incrementer(vm, kSmallIncrementer);
    }

    // No more address space than it has now, and so much.
    static Result<void> limit_memory(Vm& vm, uint64_t more) {
        return vm.process().set_limit(RLIMIT_AS, TRY(vm.process().address_space()) + more);
    }

    // More than the allocator has in reserve.
    static void fill_up(Vm& vm) {
        const std::string data(8 << 20, 'x');
        for (int number = 0; number < 32; ++number) {
            const auto added = vm.qmp().execute(
                "object-add",
                {{"qom-type", "secret"}, {"id", fmt::format("s{}", number)}, {"data", data}});
            if (!added) break;
        }
    }

    static Result<void> ends_with_1_and_says(Vm& vm, std::string_view text) {
        const ExitStatus status = TRY(vm.process().wait(Deadline::in(kUsual)));
        const std::string said = vm.process().stderr_text();
        if (status == ExitStatus::exited(1) && said.find(text) != std::string::npos) return {};
        return fail("{}: '{}'", to_string(status), said);
    }

    std::optional<TempDir> directory_;
    std::unique_ptr<VmPair> pair_;
};

TEST_F(Shortage, secondary_without_memory_for_its_copy_ends_and_the_source_goes_on) {
    ASSERT_VALUE(start_pair(1024));
    Vm& source = pair_->primary();
    ASSERT_VALUE(limit_memory(pair_->secondary(), uint64_t{512} << 20));
    ASSERT_VALUE(source.serial().wait_growth(0, Deadline::in(kUsual)));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair_->uri()}}));
    ASSERT_VALUE(ends_with_1_and_says(pair_->secondary(), "cannot set up COLO's copy of"));
    ASSERT_VALUE(source.wait_migration("failed", Deadline::in(kUsual)));
    ASSERT_VALUE(check_alive(source));
    EXPECT_EQ(ASSERT_VALUE(source.terminate()), ExitStatus::exited(0));
}

TEST_F(Shortage, side_that_runs_out_of_memory_in_colo_ends_and_the_other_goes_on) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "without memory the address sanitizer ends the process before we can";
#endif
    for (const bool secondary : {true, false}) {
        SCOPED_TRACE(secondary ? "secondary" : "primary");
        ASSERT_VALUE(start_pair(32));
        ASSERT_VALUE(pair_->enter_colo());
        ASSERT_VALUE(pair_->wait_checkpoints(2));
        Vm& poor = secondary ? pair_->secondary() : pair_->primary();
        Vm& rich = secondary ? pair_->primary() : pair_->secondary();
        ASSERT_VALUE(limit_memory(poor, 0));
        fill_up(poor);
        ASSERT_VALUE(ends_with_1_and_says(poor, "out of memory"));
        ASSERT_VALUE(wait_exit(rich));
        ASSERT_VALUE(rich.qmp().execute("x-colo-lost-heartbeat"));
        ASSERT_VALUE(
            check_survivor(rich, secondary ? "primary" : "secondary", kSmallIncrementer, "error"));
        EXPECT_EQ(ASSERT_VALUE(rich.terminate()), ExitStatus::exited(0));
        pair_.reset();
    }
}

TEST_F(Shortage, serial_file_that_cannot_grow_costs_its_output_and_nothing_else) {
    ASSERT_VALUE(start_pair(32));
    ASSERT_VALUE(pair_->enter_colo());
    // The limit is one for all files: what they say on stderr needs some room.
    constexpr size_t kRoom = 300;
    for (Vm* vm : {&pair_->primary(), &pair_->secondary()}) {
        const size_t size = ASSERT_VALUE(vm->serial().wait_growth(kRoom, Deadline::in(kUsual)));
        ASSERT_VALUE(vm->process().set_limit(RLIMIT_FSIZE, size));
    }
    ASSERT_VALUE(pair_->wait_checkpoints(5));
    for (Vm* vm : {&pair_->primary(), &pair_->secondary()}) {
        EXPECT_EQ(vm->qmp().count_events("COLO_EXIT"), 0U) << vm->name();
        EXPECT_TRUE(is_silent(*vm)) << vm->name();
    }
    for (Vm* vm : {&pair_->primary(), &pair_->secondary()})
        ASSERT_VALUE(vm->process().set_limit(RLIMIT_FSIZE, RLIM_INFINITY));
    for (Vm* vm : {&pair_->primary(), &pair_->secondary()}) {
        ASSERT_VALUE(vm->serial().wait_growth(vm->serial().size(), Deadline::in(kUsual)));
        EXPECT_NE(vm->process().stderr_text().find("output is lost until"), std::string::npos)
            << vm->process().stderr_text();
    }
    ASSERT_VALUE(take_over(pair_->secondary()));
    ASSERT_VALUE(check_survivor(pair_->secondary(), "secondary", kSmallIncrementer));
}

// A disk without room, and a limit in the middle of the state.
TEST_F(Shortage, migration_to_a_full_disk_leaves_the_source_running) {
    VmConfig config;
    config.memory_mib = 32;
    config.image = guest_image("page_incrementer_small");
    auto vm = ASSERT_VALUE(Vm::start(config, *directory_));
    ASSERT_VALUE(vm->set_capabilities({"events"}));
    ASSERT_VALUE(vm->serial().wait_growth(0, Deadline::in(kUsual)));
    const auto fails_with = [&](const std::string& uri, const std::string& text) {
        ASSERT_VALUE(vm->qmp().execute("migrate", {{"uri", uri}}));
        ASSERT_VALUE(vm->wait_migration("failed", Deadline::in(kUsual)));
        const Json info = ASSERT_VALUE(vm->qmp().execute("query-migrate"));
        EXPECT_NE(info.value("error-desc", "").find(text), std::string::npos) << info.dump();
        ASSERT_VALUE(check_alive(*vm));
    };
    fails_with("file:/dev/full", "No space left on device");
    ASSERT_VALUE(vm->process().set_limit(RLIMIT_FSIZE, 4 << 20));
    // Its memory cannot be looked at by way of a file meanwhile.
    ASSERT_VALUE(vm->qmp().execute("migrate", {{"uri", "file:" + directory_->file("state")}}));
    ASSERT_VALUE(vm->wait_migration("failed", Deadline::in(kUsual)));
    ASSERT_VALUE(vm->process().set_limit(RLIMIT_FSIZE, RLIM_INFINITY));
    ASSERT_VALUE(check_alive(*vm));
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
