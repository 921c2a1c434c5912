// SPDX-License-Identifier: GPL-2.0-or-later
//
// COLO pairs: checkpoints, and failover of either side, ordered and by death,
// between and during checkpoints. After each the survivor's guest must make
// progress and its memory must be in order. STRESS_SECONDS in the environment
// makes the random rounds go on for so long; COLO_SEED repeats a run of them.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

enum class Side : uint8_t { kPrimary, kSecondary };

class Colo : public AccelTest {
 protected:
    // KVM gets the small guest, for some hosts run unpaged code slowly under it.
    bool small() const { return accel() == "kvm"; }
    GuestRange range() const { return small() ? kSmallIncrementer : kIncrementer; }

    PairConfig pair_config() const {
        PairConfig pair;
        pair.vm = config(small() ? "page_incrementer_small" : "page_incrementer");
        pair.vm.memory_mib = 150;
        pair.capabilities = {"x-colo"};
        return pair;
    }

    Result<std::unique_ptr<VmPair>> start_pair(const PairConfig& config) const {
        auto pair = TRY(VmPair::start(config, directory()));
        TRY(pair->enter_colo());
        return pair;
    }

    Result<void> check_survivor(Vm& survivor, std::string_view role) const {
        return qtest::check_survivor(survivor, role, range());
    }

    // Both sides hash RAM and the state of every device after each checkpoint; a
    // difference ends COLO with an error.
    void stay_equal(std::string_view image, int checkpoints,
                    std::string_view method = "diverged") const {
        PairConfig config = pair_config();
        config.vm.image = guest_image(image);
        config.vm.memory_mib = 32;
        config.checkpoint_delay_ms = 10;
        auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
        ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-verify", true));
        ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-method", std::string(method)));
        ASSERT_VALUE(pair->enter_colo());
        ASSERT_VALUE(pair->wait_checkpoints(checkpoints));
        EXPECT_EQ(ASSERT_VALUE(pair->primary().migration_status()), "colo");
        for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
            EXPECT_EQ(vm->qmp().count_events("COLO_EXIT"), 0U) << vm->process().stderr_text();
            EXPECT_EQ(vm->serial().text().find('!'), std::string::npos) << vm->name();
        }
    }
};
INSTANTIATE_FOR_ACCELS(Colo);
class ColoOthers : public Colo {};
INSTANTIATE_FOR_OTHERS(ColoOthers);

TEST_P(Colo, over_unix_socket_checkpoints_go_on) {
    PairConfig config = pair_config();
    config.transport = Transport::kUnix;
    config.checkpoint_delay_ms = 50;
    auto pair = ASSERT_VALUE(start_pair(config));
    ASSERT_VALUE(pair->wait_checkpoints(5));
    EXPECT_EQ(ASSERT_VALUE(pair->primary().migration_status()), "colo");
    EXPECT_EQ(pair->primary().qmp().count_events("COLO_EXIT"), 0U);
}

TEST_P(Colo, two_hundred_checkpoints_leave_equal_states) {
    stay_equal("page_incrementer_small", 200);
}
TEST_P(Colo, checkpoints_into_a_cache_leave_equal_states) {
    stay_equal("page_incrementer_small", accel() == "kvm" ? 30 : 200, "cache");
}
TEST_P(ColoOthers, checkpoints_leave_equal_states) {
    if (accel() == "kvm") GTEST_SKIP() << "tcg has shown it on q35, kvm on pc";
    stay_equal("page_incrementer_small", 100);
}

// The BIOS is in the middle of something on the disk at most checkpoints.
TEST_P(Colo, checkpoints_of_a_guest_that_reads_its_disk_leave_equal_states) {
    stay_equal("disk_reader", accel() == "kvm" ? 30 : 200);
}

TEST_P(Colo, both_guests_run_between_checkpoints) {
    PairConfig config = pair_config();
    config.checkpoint_delay_ms = 20000;
    auto pair = ASSERT_VALUE(start_pair(config));
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        ASSERT_VALUE(vm->serial().wait_growth(vm->serial().size(), Deadline::in(kUsual)));
    }
}

TEST_P(Colo, delay_set_while_running_starts_checkpoint_at_once) {
    PairConfig config = pair_config();
    config.checkpoint_delay_ms = 1'000'000;
    auto pair = ASSERT_VALUE(start_pair(config));
    pair->secondary().qmp().drop_events();
    ASSERT_VALUE(set_parameter(pair->primary(), "x-checkpoint-delay", 900'000));
    ASSERT_VALUE(pair->wait_checkpoints(1));
}

TEST_P(Colo, sigterm_of_both_in_mid_run_exits_with_0) {
    PairConfig config = pair_config();
    config.checkpoint_delay_ms = 1;
    auto pair = ASSERT_VALUE(start_pair(config));
    ASSERT_VALUE(pair->wait_checkpoint_begin());
    EXPECT_EQ(ASSERT_VALUE(pair->primary().terminate()), ExitStatus::exited(0));
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().terminate()), ExitStatus::exited(0));
}

TEST_P(Colo, guest_reset_is_followed_by_both_sides) {
    PairConfig config = pair_config();
    config.vm.image = guest_image("reset_late");
    auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
    ASSERT_VALUE(pair->primary().serial().wait_for("R", Deadline::in(kUsual)));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(pair->primary().wait_migration("colo", Deadline::in(kUsual)));
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        ASSERT_VALUE(vm->qmp().wait_event("RESET", Deadline::in(kUsual)).context("{}", vm->name()));
        const size_t printed = vm->serial().size();
        ASSERT_VALUE(vm->serial().wait_growth(printed, Deadline::in(kUsual)));
    }
    EXPECT_EQ(ASSERT_VALUE(pair->primary().migration_status()), "colo");
}

TEST_P(Colo, guest_shutdown_is_followed_by_both_sides) {
    PairConfig config = pair_config();
    config.vm.image = guest_image("poweroff_late");
    auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
    ASSERT_VALUE(pair->primary().serial().wait_for("P", Deadline::in(kUsual)));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(pair->primary().wait_migration("colo", Deadline::in(kUsual)));
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kUsual))), ExitStatus::exited(0))
            << vm->name() << ": " << vm->process().stderr_text();
    }
}

double stress_seconds() {
    const char* text = std::getenv("STRESS_SECONDS");
    return text ? std::atof(text) : 0;
}

uint32_t chosen_seed() {
    const char* text = std::getenv("COLO_SEED");
    return text ? static_cast<uint32_t>(std::atoll(text)) : std::random_device()();
}

TEST_P(Colo, side_killed_at_a_random_moment_other_goes_on) {
    const uint32_t seed = chosen_seed();
    std::mt19937 random(seed);
    const Deadline end =
        Deadline::in(std::chrono::milliseconds(static_cast<int64_t>(stress_seconds() * 1000)));
    for (int round = 0; round < 4 || !end.passed(); ++round) {
        SCOPED_TRACE(fmt::format("repeat with COLO_SEED={}, round {}", seed, round));
        PairConfig config = pair_config();
        // Checkpoints are dense, so that about half of the kills hit one.
        config.checkpoint_delay_ms = static_cast<int>(random() % 30);
        const Side killed = random() % 2 ? Side::kPrimary : Side::kSecondary;
        auto pair = ASSERT_VALUE(start_pair(config));
        usleep(random() % 300'000);
        Vm& victim = killed == Side::kPrimary ? pair->primary() : pair->secondary();
        Vm& survivor = killed == Side::kPrimary ? pair->secondary() : pair->primary();
        victim.process().kill_now();
        ASSERT_VALUE(take_over(survivor));
        ASSERT_VALUE(check_survivor(survivor, killed == Side::kPrimary ? "secondary" : "primary"));
        EXPECT_EQ(ASSERT_VALUE(survivor.terminate()), ExitStatus::exited(0));
    }
}

// `make stress` only: a pair that lives for a long time.
class ColoStress : public Colo {};
INSTANTIATE_FOR_ACCELS(ColoStress);

TEST_P(ColoStress, pair_lives_on_with_equal_states_and_then_fails_over) {
    PairConfig config = pair_config();
    config.checkpoint_delay_ms = 100;
    auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
    ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-verify", true));
    ASSERT_VALUE(pair->enter_colo());
    const Deadline end =
        Deadline::in(std::chrono::milliseconds(static_cast<int64_t>(stress_seconds() * 1000)));
    int checkpoints = 0;
    while (!end.passed()) {
        ASSERT_VALUE(pair->wait_checkpoints(10));
        checkpoints += 10;
        ASSERT_EQ(ASSERT_VALUE(pair->primary().migration_status()), "colo");
        pair->primary().qmp().drop_events();
    }
    RecordProperty("checkpoints", checkpoints);
    pair->primary().process().kill_now();
    ASSERT_VALUE(take_over(pair->secondary()));
    ASSERT_VALUE(check_survivor(pair->secondary(), "secondary"));
}

}  // namespace
}  // namespace qc::qtest
