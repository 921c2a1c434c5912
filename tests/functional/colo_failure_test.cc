// SPDX-License-Identifier: GPL-2.0-or-later
//
// COLO pairs that are not left in peace: processes that are stopped and wake up
// later, an operator who stops, resets and quits machines in the middle of it, odd
// delays, and many losses one after the other. After each, one guest goes on, its
// memory is in order, and nobody else is heard.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/qtest/assertions.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

class ColoFailure : public ::testing::Test {
 protected:
    void SetUp() override { directory_.emplace(ASSERT_VALUE(TempDir::create())); }

    Result<std::unique_ptr<VmPair>> start_pair(int checkpoint_delay_ms) {
        PairConfig config;
        config.vm.image = guest_image("page_incrementer_small");
        config.vm.memory_mib = 32;
        config.capabilities = {"x-colo"};
        config.checkpoint_delay_ms = checkpoint_delay_ms;
        auto pair = TRY(VmPair::start(config, *directory_));
        TRY(pair->enter_colo());
        return pair;
    }

    static Result<void> check_goes_on(Vm& survivor, std::string_view role) {
        return check_survivor(survivor, role, kSmallIncrementer);
    }

    std::optional<TempDir> directory_;
};

TEST_F(ColoFailure, stopped_secondary_is_given_up_and_the_primary_goes_on_when_told) {
    auto pair = ASSERT_VALUE(start_pair(100));
    ASSERT_VALUE(pair->wait_checkpoints(2));
    pair->secondary().process().send_signal(SIGSTOP);
    ASSERT_VALUE(wait_exit(pair->primary()));
    ASSERT_VALUE(wait_run_state(pair->primary(), "colo"));
    EXPECT_TRUE(is_silent(pair->primary())) << "it was told nothing";
    ASSERT_VALUE(take_over(pair->primary()));
    ASSERT_VALUE(check_goes_on(pair->primary(), "primary"));
    pair->secondary().process().send_signal(SIGCONT);
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().terminate()), ExitStatus::exited(0));
    EXPECT_EQ(ASSERT_VALUE(pair->primary().terminate()), ExitStatus::exited(0));
}

TEST_F(ColoFailure, stopped_primary_that_wakes_up_after_a_takeover_stays_silent) {
    auto pair = ASSERT_VALUE(start_pair(100));
    ASSERT_VALUE(pair->wait_checkpoints(2));
    pair->primary().process().send_signal(SIGSTOP);
    ASSERT_VALUE(take_over(pair->secondary()));
    ASSERT_VALUE(check_goes_on(pair->secondary(), "secondary"));
    pair->primary().process().send_signal(SIGCONT);
    ASSERT_VALUE(pair->primary().qmp().wait_event("COLO_EXIT", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(pair->primary().run_state()), "colo");
    EXPECT_TRUE(is_silent(pair->primary()));
    EXPECT_EQ(ASSERT_VALUE(pair->primary().terminate()), ExitStatus::exited(0));
}

TEST_F(ColoFailure, shortly_stopped_peer_costs_no_more_than_a_late_checkpoint) {
    auto pair = ASSERT_VALUE(start_pair(50));
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        ASSERT_VALUE(pair->wait_checkpoints(2));
        vm->process().send_signal(SIGSTOP);
        usleep(700'000);
        vm->process().send_signal(SIGCONT);
    }
    pair->secondary().qmp().drop_events();
    ASSERT_VALUE(pair->wait_checkpoints(5));
    EXPECT_EQ(ASSERT_VALUE(pair->primary().migration_status()), "colo");
    EXPECT_EQ(pair->primary().qmp().count_events("COLO_EXIT"), 0U);
}

TEST_F(ColoFailure, operator_s_stop_and_cont_outlive_checkpoints) {
    auto pair = ASSERT_VALUE(start_pair(50));
    ASSERT_VALUE(pair->primary().qmp().execute("stop"));
    ASSERT_VALUE(pair->wait_checkpoints(4));
    ASSERT_VALUE(wait_run_state(pair->primary(), "paused"));
    EXPECT_TRUE(is_silent(pair->primary()));
    ASSERT_VALUE(pair->primary().qmp().execute("cont"));
    ASSERT_VALUE(pair->primary().serial().wait_growth(pair->primary().serial().size(),
                                                      Deadline::in(kUsual)));
    ASSERT_VALUE(pair->wait_checkpoints(2));
    pair->primary().process().kill_now();
    ASSERT_VALUE(take_over(pair->secondary()));
    ASSERT_VALUE(check_goes_on(pair->secondary(), "secondary"));
}

TEST_F(ColoFailure, operator_s_reset_is_followed_by_both_sides) {
    auto pair = ASSERT_VALUE(start_pair(100));
    ASSERT_VALUE(pair->wait_checkpoints(1));
    ASSERT_VALUE(pair->primary().qmp().execute("system_reset"));
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        ASSERT_VALUE(vm->qmp().wait_event("RESET", Deadline::in(kUsual)).context("{}", vm->name()));
        ASSERT_VALUE(vm->serial().wait_growth(vm->serial().size(), Deadline::in(kUsual)));
    }
    EXPECT_EQ(ASSERT_VALUE(pair->primary().migration_status()), "colo");
    pair->primary().process().kill_now();
    ASSERT_VALUE(take_over(pair->secondary()));
    ASSERT_VALUE(check_goes_on(pair->secondary(), "secondary"));
}

TEST_F(ColoFailure, quit_of_the_secondary_lets_the_primary_run_on) {
    auto pair = ASSERT_VALUE(start_pair(100));
    ASSERT_VALUE(pair->wait_checkpoints(2));
    ASSERT_VALUE(pair->secondary().qmp().execute("quit"));
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().process().wait(Deadline::in(kUsual))),
              ExitStatus::exited(0));
    // It has promised not to take over, so no order is needed to be heard.
    const Json exit =
        ASSERT_VALUE(pair->primary().qmp().wait_event("COLO_EXIT", Deadline::in(kUsual)));
    EXPECT_EQ(exit["data"], Json({{"mode", "primary"}, {"reason", "error"}}));
    ASSERT_VALUE(wait_run_state(pair->primary(), "running"));
    ASSERT_VALUE(check_incrementer(pair->primary(), kSmallIncrementer));
    ASSERT_VALUE(pair->primary().serial().wait_growth(pair->primary().serial().size(),
                                                      Deadline::in(kUsual)));
}

TEST_F(ColoFailure, quit_of_the_primary_leaves_a_secondary_that_takes_over) {
    auto pair = ASSERT_VALUE(start_pair(100));
    ASSERT_VALUE(pair->wait_checkpoint_begin());
    ASSERT_VALUE(pair->primary().qmp().execute("quit"));
    EXPECT_EQ(ASSERT_VALUE(pair->primary().process().wait(Deadline::in(kUsual))),
              ExitStatus::exited(0));
    ASSERT_VALUE(pair->secondary().qmp().execute("x-colo-lost-heartbeat"));
    ASSERT_VALUE(check_goes_on(pair->secondary(), "secondary"));
}

TEST_F(ColoFailure, order_on_both_sides_at_once_leaves_two_whole_guests) {
    auto pair = ASSERT_VALUE(start_pair(20));
    ASSERT_VALUE(pair->wait_checkpoint_begin());
    ASSERT_VALUE(pair->primary().qmp().execute("x-colo-lost-heartbeat"));
    ASSERT_VALUE(pair->secondary().qmp().execute("x-colo-lost-heartbeat"));
    ASSERT_VALUE(check_goes_on(pair->primary(), "primary"));
    ASSERT_VALUE(check_goes_on(pair->secondary(), "secondary"));
}

TEST_F(ColoFailure, delay_of_zero_and_a_delay_changed_while_running_work) {
    auto pair = ASSERT_VALUE(start_pair(0));
    ASSERT_VALUE(pair->wait_checkpoints(50));
    ASSERT_VALUE(set_parameter(pair->primary(), "x-checkpoint-delay", 1'000'000));
    // What was under way ends; then one for the change, and no more.
    usleep(500'000);
    pair->secondary().qmp().drop_events();
    usleep(500'000);
    EXPECT_EQ(pair->secondary().qmp().count_events("STOP"), 0U);
    ASSERT_VALUE(set_parameter(pair->primary(), "x-checkpoint-delay", 0));
    ASSERT_VALUE(pair->wait_checkpoints(50));
}

struct Usage {
    size_t fds = 0;
    size_t threads = 0;
    long resident_kib = 0;
};

size_t entries(const std::filesystem::path& directory) {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory),
                                             std::filesystem::directory_iterator()));
}

Usage usage_of(Vm& vm) {
    const std::string proc = "/proc/" + std::to_string(vm.process().pid());
    Usage usage{.fds = entries(proc + "/fd"), .threads = entries(proc + "/task")};
    std::ifstream status(proc + "/status");
    for (std::string word; status >> word;) {
        if (word == "VmRSS:") status >> usage.resident_kib;
    }
    return usage;
}

// The allocator's slack and buffers that reach their size late.
#ifdef __SANITIZE_ADDRESS__
constexpr long kSlackKib = 16384;  // and what the sanitizer holds back
#else
constexpr long kSlackKib = 4096;
#endif

TEST_F(ColoFailure, five_hundred_checkpoints_use_nothing_up) {
    auto pair = ASSERT_VALUE(start_pair(1));
    ASSERT_VALUE(pair->wait_checkpoints(50));
    const Usage before[] = {usage_of(pair->primary()), usage_of(pair->secondary())};
    ASSERT_VALUE(pair->wait_checkpoints(500));
    // In the middle of a checkpoint a side has helper threads.
    ASSERT_VALUE(set_parameter(pair->primary(), "x-checkpoint-delay", 1'000'000));
    usleep(500'000);
    int side = 0;
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        const Usage after = usage_of(*vm);
        EXPECT_EQ(after.fds, before[side].fds) << vm->name();
        EXPECT_LE(after.threads, before[side].threads) << vm->name();
        EXPECT_LE(after.resident_kib, before[side].resident_kib + kSlackKib) << vm->name();
        ++side;
    }
}

TEST_F(ColoFailure, twenty_losses_and_new_secondaries_use_nothing_up) {
    auto pair = ASSERT_VALUE(start_pair(20));
    std::optional<Usage> first;
    for (int round = 0; round < 20; ++round) {
        SCOPED_TRACE(fmt::format("round {}", round));
        ASSERT_VALUE(pair->wait_checkpoints(2));
        pair->secondary().process().kill_now();
        ASSERT_VALUE(take_over(pair->primary()));
        ASSERT_VALUE(check_goes_on(pair->primary(), "primary"));
        if (round == 1) first = usage_of(pair->primary());
        if (round == 19) break;
        ASSERT_VALUE(pair->start_secondary(fmt::format("dest{}", round)));
        ASSERT_VALUE(pair->enter_colo());
    }
    const Usage last = usage_of(pair->primary());
    EXPECT_EQ(last.fds, first->fds);
    EXPECT_EQ(last.threads, first->threads);
    EXPECT_LE(last.resident_kib, first->resident_kib + kSlackKib);
}

// Each survivor becomes the primary of the next pair, as in a long life with many
// broken hosts.
TEST_F(ColoFailure, guest_survives_being_handed_from_host_to_host) {
    auto pair = ASSERT_VALUE(start_pair(20));
    for (int round = 0; round < 5; ++round) {
        SCOPED_TRACE(fmt::format("round {}", round));
        ASSERT_VALUE(pair->wait_checkpoints(2));
        pair->primary().process().kill_now();
        ASSERT_VALUE(take_over(pair->secondary()));
        ASSERT_VALUE(check_goes_on(pair->secondary(), "secondary"));
        ASSERT_VALUE(pair->promote_secondary());
        ASSERT_VALUE(pair->start_secondary(fmt::format("dest{}", round)));
        ASSERT_VALUE(pair->enter_colo());
    }
}

}  // namespace
}  // namespace qc::qtest
