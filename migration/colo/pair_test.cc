// SPDX-License-Identifier: GPL-2.0-or-later
//
// A COLO pair in one process: two machines whose guests run and write memory,
// joined by a channel in memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "io/memory_channel.h"
#include "migration/migration.h"
#include "migration/test_machine.h"
#include "runstate/fake_output.h"

namespace qc::migration {
namespace {

using colo::Cause;
using runstate::RunState;
using runstate::ShutdownCause;

constexpr uint32_t kNever = 1'000'000'000;

class ColoPairTest : public testing::TestWithParam<ColoMethod> {
 protected:
    void SetUp() override {
        for (Migration* side : {&primary, &secondary}) {
            std::vector<Capabilities::Change> on = {{Capability::kXColo, true},
                                                    {Capability::kEvents, true}};
            ASSERT_TRUE(side->set_capabilities(on));
        }
        ASSERT_TRUE(primary.set_parameters(
            {.checkpoint_delay_ms = kNever, .colo_verify = true, .colo_method = GetParam()}));
        pvm.requests.set_policy(&primary);
        svm.requests.set_policy(&secondary);
    }
    void TearDown() override {
        pvm.requests.set_policy(nullptr);
        svm.requests.set_policy(nullptr);
        primary.shut_down();
        secondary.shut_down();
    }

    void migrate() {
        pvm.fill_cold_pages(7);
        auto [a, b] = io::MemoryChannel::create_pair();
        link = a.get();
        ASSERT_TRUE(secondary.migrate_incoming_from(std::move(b)));
        ASSERT_TRUE(primary.migrate_over(
            [channel = std::move(a)](const io::Interrupt*) mutable
                -> Result<std::unique_ptr<io::Channel>> { return std::move(channel); }));
        ASSERT_TRUE(pvm.events.wait_for("colo")) << primary.info().error_desc.value_or("");
        ASSERT_TRUE(svm.events.wait_for("colo"));
    }
    void enter_colo() {
        ASSERT_TRUE(pvm.vm->start());
        ASSERT_NO_FATAL_FAILURE(migrate());
        wait_until_both_run();
    }
    void wait_until_both_run() {
        ASSERT_TRUE(eventually([&] { return svm.vm->running() && pvm.vm->running(); }));
    }

    uint64_t checkpoints() { return primary.info().colo->checkpoints; }
    bool checkpoint() {
        uint64_t before = checkpoints();
        primary.request_checkpoint(Cause::kRequest);
        return eventually([&] { return checkpoints() > before; });
    }
    static std::string stop_and_check(TestMachine& machine) {
        if (!machine.vm->user_stop()) return "the VM cannot be stopped";
        // It may have been frozen at that moment.
        if (!eventually([&] { return machine.vm->state() == RunState::kPaused; })) {
            return "the VM does not stop";
        }
        return machine.cpu->check_memory();
    }
    static bool runs_on(TestMachine& machine) {
        uint64_t before = machine.cpu->steps();
        return eventually([&] { return machine.cpu->steps() > before + 50; });
    }

    TestMachine pvm;
    TestMachine svm{{.incoming = true}};
    Migration primary{pvm.deps()};
    Migration secondary{svm.deps()};
    io::Channel* link = nullptr;
};
INSTANTIATE_TEST_SUITE_P(, ColoPairTest, testing::Values(ColoMethod::kCache, ColoMethod::kDiverged),
                         [](const auto& tested) {
                             return tested.param == ColoMethod::kCache ? "cache" : "diverged";
                         });

TEST_P(ColoPairTest, both_guests_run_after_entering) {
    enter_colo();
    EXPECT_TRUE(runs_on(pvm));
    EXPECT_TRUE(runs_on(svm));
    EXPECT_EQ(primary.colo_status().mode, ColoMode::kPrimary);
    EXPECT_EQ(secondary.colo_status().mode, ColoMode::kSecondary);
    EXPECT_EQ(*primary.info().status, MigrationStatus::kColo);
    EXPECT_EQ(*secondary.info().status, MigrationStatus::kColo);
}

TEST_P(ColoPairTest, stop_at_the_moment_of_entering_outlives_it) {
    pvm.events.on_entry = [this](const std::string& entry) {
        if (entry != "colo") return;
        EXPECT_TRUE(pvm.vm->user_stop());
    };
    ASSERT_TRUE(pvm.vm->start());
    migrate();
    ASSERT_TRUE(eventually([&] { return svm.vm->running(); }));
    ASSERT_TRUE(eventually([&] { return pvm.vm->state() == RunState::kPaused; }));
    ASSERT_TRUE(checkpoint());
    EXPECT_TRUE(eventually([&] { return pvm.vm->state() == RunState::kPaused; }));
    ASSERT_TRUE(pvm.vm->user_start());
    EXPECT_TRUE(runs_on(pvm));
}

TEST_P(ColoPairTest, vm_that_stood_still_runs_as_a_pair) {
    ASSERT_TRUE(pvm.vm->stop(RunState::kPaused));
    migrate();
    wait_until_both_run();
    EXPECT_TRUE(runs_on(pvm));
}

TEST_P(ColoPairTest, two_hundred_checkpoints_leave_both_sides_equal) {
    enter_colo();
    ASSERT_TRUE(primary.set_parameters({.checkpoint_delay_ms = 1}));
    ASSERT_TRUE(eventually([&] { return checkpoints() >= 200; }));
    colo::ColoSummary summary = *primary.info().colo;
    EXPECT_GE(summary.verified, 200u);
    EXPECT_EQ(pvm.events.failure(), "");
    EXPECT_EQ(*primary.info().status, MigrationStatus::kColo);
}

TEST_P(ColoPairTest, checkpoint_brings_the_primary_s_devices_to_the_secondary) {
    enter_colo();
    ASSERT_TRUE(pvm.vm->user_stop());
    pvm.device.state.bytes.assign(333, std::byte{7});
    svm.device.state.bytes.assign(5, std::byte{9});
    ASSERT_TRUE(pvm.vm->user_start());
    ASSERT_TRUE(checkpoint());
    ASSERT_TRUE(svm.vm->user_stop());
    EXPECT_EQ(svm.device.state.bytes, pvm.device.state.bytes);
}

TEST_P(ColoPairTest, each_checkpoint_stops_and_resumes_both_guests) {
    enter_colo();
    size_t stops = svm.events.count("STOP");
    ASSERT_TRUE(checkpoint());
    ASSERT_TRUE(checkpoint());
    EXPECT_EQ(svm.events.count("STOP"), stops + 2);
    EXPECT_TRUE(eventually([&] { return svm.events.count("RESUME") == 3; }));
    EXPECT_EQ(pvm.events.count("STOP"), 3u);  // one is the switchover's
    EXPECT_TRUE(eventually([&] { return pvm.events.count("RESUME") == 4; }));
}

TEST_P(ColoPairTest, pages_left_alone_are_sent_ahead_and_both_sides_stay_equal) {
    if (GetParam() != ColoMethod::kCache) GTEST_SKIP() << "there is nowhere to keep them";
    enter_colo();
    uint8_t value = 1;
    auto sent_ahead = [&] {
        // Written once, then left alone for a few rounds.
        const std::vector<std::byte> data(5 * memory::kPageSize, std::byte{value++});
        pvm.ram.blocks()[1]->write(0, data);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return checkpoint() && primary.info().colo->total.pages_ahead >= 5;
    };
    ASSERT_TRUE(eventually(sent_ahead));
    colo::ColoSummary summary = *primary.info().colo;
    EXPECT_GE(summary.total.pages, summary.total.pages_ahead);
    EXPECT_GE(summary.verified, 1u);
    EXPECT_EQ(pvm.events.failure(), "");
    EXPECT_EQ(svm.ram.blocks()[1]->page(4)[7], std::byte{--value});
}

TEST_P(ColoPairTest, output_is_held_from_the_capture_to_the_commit) {
    runstate::FakeOutput output;
    pvm.output_gate.add(output);
    enter_colo();
    output.say(1);
    ASSERT_TRUE(checkpoint());
    output.say(2);
    ASSERT_TRUE(checkpoint());
    EXPECT_EQ(output.closings(), 2);
    EXPECT_EQ(output.openings(), 2);
    EXPECT_EQ(output.heard(), (std::vector<int>{1, 2}));
    pvm.output_gate.remove(output);
}

TEST_P(ColoPairTest, output_held_when_the_peer_is_lost_goes_out_at_the_order) {
    if (GetParam() != ColoMethod::kCache) GTEST_SKIP() << "the list fails before the capture";
    runstate::FakeOutput output;
    pvm.output_gate.add(output);
    enter_colo();
    output.say(1);
    // The secondary cannot take the checkpoint: the primary runs on ahead of it, and
    // hears of that.
    svm.dirty_log.fail_collect = true;
    primary.request_checkpoint(Cause::kRequest);
    ASSERT_TRUE(eventually([&] { return pvm.events.count("exit primary error") == 1; }));
    EXPECT_TRUE(pvm.output_gate.closed());
    output.say(2);
    EXPECT_EQ(output.heard(), (std::vector<int>{1}));
    ASSERT_TRUE(primary.colo_lost_heartbeat());
    ASSERT_TRUE(eventually([&] { return output.heard().size() == 2; }));
    EXPECT_TRUE(runs_on(pvm));
    pvm.output_gate.remove(output);
}

TEST_P(ColoPairTest, equal_pages_are_not_sent_and_what_only_the_secondary_wrote_is_undone) {
    if (GetParam() != ColoMethod::kDiverged) GTEST_SKIP() << "everything is sent";
    enter_colo();
    ASSERT_TRUE(checkpoint());
    const uint64_t before = primary.info().colo->total.pages_skipped;
    // Fewer than a run of the policy; the machine's own pages differ in any case.
    const std::vector<std::byte> same(30 * memory::kPageSize, std::byte{0x5a});
    const std::vector<std::byte> other(3 * memory::kPageSize, std::byte{0xa5});
    const std::vector<std::byte> undone(svm.ram.blocks()[0]->page(1500).begin(),
                                        svm.ram.blocks()[0]->page(1500).end());
    pvm.ram.blocks()[0]->write(1000 * memory::kPageSize, same);
    svm.ram.blocks()[0]->write(1000 * memory::kPageSize, same);
    svm.ram.blocks()[0]->write(1500 * memory::kPageSize, other);
    ASSERT_TRUE(checkpoint());
    EXPECT_GE(primary.info().colo->total.pages_skipped, before + 30);
    EXPECT_EQ(pvm.events.failure(), "");
    EXPECT_TRUE(std::ranges::equal(svm.ram.blocks()[0]->page(1500), undone));
    EXPECT_TRUE(std::ranges::equal(svm.ram.blocks()[0]->page(1029),
                                   std::span(same).first(memory::kPageSize)));
}

TEST_P(ColoPairTest, method_cannot_change_while_the_pair_runs) {
    enter_colo();
    const ColoMethod other =
        GetParam() == ColoMethod::kCache ? ColoMethod::kDiverged : ColoMethod::kCache;
    Result<void> changed = primary.set_parameters({.colo_method = other});
    ASSERT_FALSE(changed);
    EXPECT_NE(changed.error().message().find("'x-colo-method'"), std::string::npos);
    EXPECT_TRUE(primary.set_parameters({.colo_method = GetParam()}));
}

TEST_P(ColoPairTest, setting_the_delay_starts_a_checkpoint) {
    enter_colo();
    ASSERT_TRUE(primary.set_parameters({.checkpoint_delay_ms = kNever}));
    EXPECT_TRUE(eventually([&] {
        return primary.info().colo->by_cause[static_cast<size_t>(Cause::kDelayChanged)] == 1;
    }));
}

TEST_P(ColoPairTest, secondary_may_ask_for_a_checkpoint) {
    enter_colo();
    secondary.request_checkpoint(Cause::kMismatch);
    EXPECT_TRUE(eventually(
        [&] { return primary.info().colo->by_cause[static_cast<size_t>(Cause::kMismatch)] == 1; }));
}

TEST_P(ColoPairTest, user_s_stop_survives_a_checkpoint) {
    enter_colo();
    ASSERT_TRUE(pvm.vm->user_stop());
    ASSERT_TRUE(checkpoint());
    EXPECT_EQ(pvm.vm->state(), RunState::kPaused);
}

TEST_P(ColoPairTest, primary_told_to_go_on_does_so_and_the_secondary_waits) {
    enter_colo();
    ASSERT_TRUE(checkpoint());
    ASSERT_TRUE(primary.colo_lost_heartbeat());
    ASSERT_TRUE(pvm.events.wait_for("exit primary request"));
    EXPECT_TRUE(pvm.vm->running());
    EXPECT_TRUE(runs_on(pvm));
    EXPECT_EQ(stop_and_check(pvm), "");
    EXPECT_EQ(pvm.events.count("exit primary request"), 1u);
    EXPECT_EQ(primary.colo_status().mode, ColoMode::kNone);
    EXPECT_EQ(primary.colo_status().last_mode, ColoMode::kPrimary);
    EXPECT_EQ(primary.colo_status().reason, ColoExitReason::kRequest);
    ASSERT_TRUE(svm.events.wait_for("exit secondary error"));
    EXPECT_EQ(*secondary.info().status, MigrationStatus::kColo);
}

TEST_P(ColoPairTest, secondary_told_to_take_over_goes_on_and_the_primary_stands_still) {
    enter_colo();
    ASSERT_TRUE(checkpoint());
    ASSERT_TRUE(secondary.colo_lost_heartbeat());
    ASSERT_TRUE(svm.events.wait_for("exit secondary request"));
    EXPECT_TRUE(runs_on(svm));
    EXPECT_EQ(stop_and_check(svm), "");
    ASSERT_TRUE(pvm.events.wait_for("exit primary error"));
    EXPECT_FALSE(pvm.vm->running());
    EXPECT_EQ(pvm.vm->state(), RunState::kColo);
    EXPECT_EQ(svm.events.count("exit secondary request"), 1u);
}

TEST_P(ColoPairTest, cut_link_stops_the_primary_until_it_is_told) {
    enter_colo();
    link->shutdown();
    ASSERT_TRUE(pvm.events.wait_for("exit primary error"));
    ASSERT_TRUE(svm.events.wait_for("exit secondary error"));
    EXPECT_EQ(pvm.vm->state(), RunState::kColo);
    EXPECT_TRUE(runs_on(svm));
    EXPECT_EQ(*primary.info().status, MigrationStatus::kColo);
    ASSERT_TRUE(primary.colo_lost_heartbeat());
    ASSERT_TRUE(pvm.events.wait_for("completed"));
    EXPECT_TRUE(runs_on(pvm));
    EXPECT_EQ(pvm.events.count("exit primary error"), 1u);
    EXPECT_EQ(pvm.events.count("exit primary request"), 0u);
}

TEST_P(ColoPairTest, cut_link_and_secondary_told_takes_over) {
    enter_colo();
    ASSERT_TRUE(checkpoint());
    secondary.yank();
    ASSERT_TRUE(svm.events.wait_for("exit secondary error"));
    ASSERT_TRUE(secondary.colo_lost_heartbeat());
    ASSERT_TRUE(svm.events.wait_for("completed"));
    EXPECT_TRUE(runs_on(svm));
    EXPECT_EQ(stop_and_check(svm), "");
}

TEST_P(ColoPairTest, order_outside_of_colo_and_a_second_order_are_refused) {
    Result<void> early = primary.colo_lost_heartbeat();
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().message(), "VM is not in COLO mode");
    enter_colo();
    ASSERT_TRUE(primary.colo_lost_heartbeat());
    Result<void> again = primary.colo_lost_heartbeat();
    ASSERT_FALSE(again);
    ASSERT_TRUE(pvm.events.wait_for("exit primary request"));
    EXPECT_EQ(primary.colo_lost_heartbeat().error().message(), "VM is not in COLO mode");
}

TEST_P(ColoPairTest, secondary_that_ends_in_order_lets_the_primary_run_on) {
    enter_colo();
    secondary.shut_down();
    ASSERT_TRUE(pvm.events.wait_for("exit primary error"));
    EXPECT_TRUE(runs_on(pvm));
    EXPECT_EQ(*primary.info().status, MigrationStatus::kColo);
    ASSERT_TRUE(primary.colo_lost_heartbeat());
    ASSERT_TRUE(pvm.events.wait_for("completed"));
}

TEST_P(ColoPairTest, guest_reset_makes_a_last_checkpoint_and_both_follow) {
    enter_colo();
    pvm.requests.request_guest_reset();
    EXPECT_FALSE(pvm.requests.take().any());
    EXPECT_FALSE(pvm.requests.take().any());
    EXPECT_TRUE(eventually([&] { return pvm.requests.take().reset.has_value(); }));
    EXPECT_TRUE(eventually([&] { return svm.requests.take().reset.has_value(); }));
    EXPECT_TRUE(eventually([&] {
        return primary.info().colo->by_cause[static_cast<size_t>(Cause::kGuestReset)] == 1;
    }));
    ASSERT_TRUE(checkpoint());
    EXPECT_FALSE(svm.requests.take().any());
}

TEST_P(ColoPairTest, guest_shutdown_makes_a_last_checkpoint_and_ends_both) {
    enter_colo();
    svm.requests.request_guest_shutdown();
    EXPECT_FALSE(svm.requests.take().any());
    pvm.requests.request_guest_shutdown();
    EXPECT_FALSE(pvm.requests.take().any());
    EXPECT_TRUE(eventually([&] { return pvm.requests.take().shutdown.has_value(); }));
    EXPECT_TRUE(eventually([&] { return svm.requests.take().shutdown.has_value(); }));
    ASSERT_TRUE(pvm.events.wait_for("exit primary request"));
    ASSERT_TRUE(svm.events.wait_for("exit secondary request"));
    EXPECT_EQ(pvm.compare_ram(svm), "");
}

TEST_P(ColoPairTest, secondary_that_cannot_load_ends_and_the_primary_runs_on) {
    enter_colo();
    svm.cpu->fail_restore = true;
    primary.request_checkpoint(Cause::kRequest);
    ASSERT_TRUE(svm.events.wait_for("incoming failed"));
    EXPECT_FALSE(svm.vm->running());
    ASSERT_TRUE(pvm.events.wait_for("exit primary error"));
    EXPECT_TRUE(runs_on(pvm));
    EXPECT_EQ(svm.events.count("exit secondary error"), 1u);
}

TEST_P(ColoPairTest, primary_whose_dirty_log_fails_stops_and_goes_on_when_told) {
    enter_colo();
    pvm.dirty_log.fail_collect = true;
    primary.request_checkpoint(Cause::kRequest);
    ASSERT_TRUE(pvm.events.wait_for("exit primary error"));
    ASSERT_TRUE(svm.events.wait_for("exit secondary error"));
    EXPECT_TRUE(runs_on(svm));
    ASSERT_TRUE(primary.colo_lost_heartbeat());
    ASSERT_TRUE(pvm.events.wait_for("completed"));
    EXPECT_TRUE(runs_on(pvm));
}

TEST_P(ColoPairTest, differing_secondary_is_named_by_the_verification) {
    enter_colo();
    // A page that changes behind the dirty log's back.
    svm.ram.blocks()[0]->page(1000)[17] ^= std::byte{1};
    primary.request_checkpoint(Cause::kRequest);
    ASSERT_TRUE(pvm.events.wait_for("exit primary error"));
    EXPECT_NE(pvm.events.failure().find("'pc.ram' differs in page 1000"), std::string::npos)
        << pvm.events.failure();
}

TEST_P(ColoPairTest, order_under_continuous_checkpoints_leaves_a_consistent_guest) {
    enter_colo();
    ASSERT_TRUE(primary.set_parameters({.checkpoint_delay_ms = 0, .colo_verify = false}));
    ASSERT_TRUE(eventually([&] { return checkpoints() > 20; }));
    secondary.yank();
    ASSERT_TRUE(secondary.colo_lost_heartbeat());
    ASSERT_TRUE(svm.events.wait_for("completed"));
    EXPECT_TRUE(runs_on(svm));
    EXPECT_EQ(stop_and_check(svm), "");
    EXPECT_TRUE(eventually([&] { return secondary.colo_status().mode == ColoMode::kNone; }));
    EXPECT_EQ(svm.events.count("exit secondary request") + svm.events.count("exit secondary error"),
              1u);
}

TEST_P(ColoPairTest, survivor_can_be_protected_again) {
    enter_colo();
    secondary.yank();
    ASSERT_TRUE(secondary.colo_lost_heartbeat());
    ASSERT_TRUE(eventually([&] { return secondary.colo_status().mode == ColoMode::kNone; }));
    TestMachine third{{.incoming = true}};
    Migration next(third.deps());
    std::vector<Capabilities::Change> on = {{Capability::kXColo, true},
                                            {Capability::kEvents, true}};
    ASSERT_TRUE(next.set_capabilities(on));
    auto [a, b] = io::MemoryChannel::create_pair();
    ASSERT_TRUE(next.migrate_incoming_from(std::move(b)));
    ASSERT_TRUE(secondary.migrate_over(
        [channel = std::move(a)](const io::Interrupt*) mutable
            -> Result<std::unique_ptr<io::Channel>> { return std::move(channel); }));
    ASSERT_TRUE(third.events.wait_for("colo"));
    // The new secondary is told first.
    EXPECT_TRUE(eventually([&] { return secondary.colo_status().mode == ColoMode::kPrimary; }));
    EXPECT_EQ(secondary.colo_status().last_mode, ColoMode::kSecondary);
    next.shut_down();
}

}  // namespace
}  // namespace qc::migration
