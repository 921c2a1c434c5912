// SPDX-License-Identifier: GPL-2.0-or-later
//
// A guest suspends to RAM (ACPI S3): its memory stays as it is while it sleeps, through
// stop, migration and checkpoints, and system_wakeup has the firmware start it again where
// it asked to be started. power_test.cc has the same with Linux, which takes longer.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

// What page_incrementer_sleeper has added to each page when it goes to sleep.
constexpr char kAdded = 16;
constexpr uint64_t kPage = 4096;

Result<void> expect_state(Vm& vm, std::string_view wanted) {
    const std::string state = TRY(vm.run_state());
    if (state != wanted) return fail("{} is {}, not {}", vm.name(), state, wanted);
    return {};
}

// Its memory is what it was when it fell asleep.
Result<void> check_asleep(Vm& vm) {
    TRY(expect_state(vm, "suspended"));
    const GuestRange range = kSmallIncrementer;
    const std::string memory = TRY(vm.read_memory(range.first, range.end - range.first));
    for (uint64_t at = 0; at < memory.size(); at += kPage) {
        if (memory[at] != kAdded) return fail("page {:#x} has {}", range.first + at, memory[at]);
    }
    return expect_state(vm, "suspended");
}

// It starts over from 0x7c00, once, and goes on with what it had in memory.
Result<void> check_awake(Vm& vm, std::string_view expected) {
    TRY(vm.serial().wait_for(expected, Deadline::in(kUsual)));
    TRY(expect_state(vm, "running"));
    TRY(check_incrementer(vm, kSmallIncrementer));
    TRY(vm.serial().wait_growth(vm.serial().size(), Deadline::in(kUsual)));
    return {};
}

Result<void> wake(Vm& vm, std::string_view expected) {
    TRY(vm.qmp().execute("system_wakeup"));
    TRY(vm.qmp().wait_event("WAKEUP", Deadline::in(kUsual)));
    return check_awake(vm, expected);
}

class Sleep : public AccelTest {
 protected:
    VmConfig sleeper() const { return config("page_incrementer_sleeper"); }
    Result<std::unique_ptr<VmPair>> start_pair(std::vector<std::string> capabilities) const {
        auto pair = TRY(VmPair::start(
            {.vm = sleeper(), .capabilities = std::move(capabilities), .checkpoint_delay_ms = 20},
            directory()));
        TRY(pair->primary().qmp().wait_event("SUSPEND", Deadline::in(kUsual)));
        return pair;
    }
};
INSTANTIATE_TEST_SUITE_P(Accel, Sleep, ::testing::Values("tcg"), accel_name);
// All of it is the machine's matter; what a vCPU has to do with it shows here.
class SleepOthers : public Sleep {};
INSTANTIATE_TEST_SUITE_P(Others, SleepOthers, ::testing::Values("tcg_pc", "kvm"), accel_name);

// A guest that sleeps so soon does not begin before the test is there to hear of it.
Result<std::unique_ptr<Vm>> start_connected(VmConfig config, const TempDir& directory) {
    config.paused = true;
    auto vm = TRY(Vm::start(config, directory));
    TRY(vm->qmp().execute("cont"));
    return vm;
}

void wakes_up(const VmConfig& config, const TempDir& directory) {
    auto vm = ASSERT_VALUE(start_connected(config, directory));
    ASSERT_VALUE(vm->qmp().wait_event("SUSPEND", Deadline::in(kUsual)));
    ASSERT_VALUE(check_asleep(*vm));
    ASSERT_VALUE(wake(*vm, "ABWB"));
    EXPECT_FALSE(vm->qmp().execute("system_wakeup"));
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

TEST_P(Sleep, system_wakeup_has_the_guest_start_where_it_asked_to) {
    wakes_up(sleeper(), directory());
}
TEST_P(SleepOthers, system_wakeup_has_the_guest_start_where_it_asked_to) {
    wakes_up(sleeper(), directory());
}

TEST_P(Sleep, reset_ends_it_and_the_machine_waits_to_be_started) {
    auto vm = ASSERT_VALUE(start_connected(sleeper(), directory()));
    ASSERT_VALUE(vm->qmp().wait_event("SUSPEND", Deadline::in(kUsual)));
    ASSERT_VALUE(vm->qmp().execute("system_reset"));
    ASSERT_VALUE(vm->qmp().wait_event("RESET", Deadline::in(kUsual)));
    ASSERT_VALUE(expect_state(*vm, "prelaunch"));
    ASSERT_VALUE(vm->qmp().execute("cont"));
    // Its mark that it has slept is what its disk says again.
    ASSERT_VALUE(vm->serial().wait_for("ABAB", Deadline::in(kUsual)));
}

void migrates_asleep(VmPair& pair) {
    Vm& source = pair.primary();
    Vm& dest = pair.secondary();
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair.uri()}}));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(dest.qmp().wait_event("RESUME", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(source.run_state()), "postmigrate");
    ASSERT_VALUE(check_asleep(dest));
    ASSERT_VALUE(wake(dest, "WB"));
    EXPECT_TRUE(dest.serial().text().starts_with("WB"));
}

TEST_P(Sleep, migrated_asleep_it_is_woken_up_there) {
    auto pair = ASSERT_VALUE(start_pair({}));
    migrates_asleep(*pair);
}
TEST_P(SleepOthers, migrated_asleep_it_is_woken_up_there) {
    auto pair = ASSERT_VALUE(start_pair({}));
    migrates_asleep(*pair);
}

TEST_P(Sleep, stopped_and_migrated_asleep_it_sleeps_on_until_it_is_woken_up) {
    auto pair = ASSERT_VALUE(start_pair({}));
    Vm& source = pair->primary();
    Vm& dest = pair->secondary();
    ASSERT_VALUE(source.qmp().execute("stop"));
    ASSERT_VALUE(expect_state(source, "paused"));
    EXPECT_FALSE(source.qmp().execute("system_wakeup"));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(dest.wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(expect_state(dest, "paused"));
    ASSERT_VALUE(dest.qmp().execute("cont"));
    ASSERT_VALUE(check_asleep(dest));
    ASSERT_VALUE(wake(dest, "WB"));
}

// The primary's guest is woken up, and with the next checkpoint the secondary's is awake.
TEST_P(Sleep, pair_sleeps_and_wakes_as_the_primary_does) {
    auto pair = ASSERT_VALUE(start_pair({"x-colo"}));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(3));
    ASSERT_VALUE(wake(pair->primary(), "ABWB"));
    ASSERT_VALUE(pair->secondary().serial().wait_for("B", Deadline::in(kUsual)));
    pair->primary().process().kill_now();
    ASSERT_VALUE(take_over(pair->secondary()));
    ASSERT_VALUE(check_survivor(pair->secondary(), "secondary", kSmallIncrementer));
}

TEST_P(Sleep, secondary_that_took_over_a_sleeping_guest_wakes_it_up) {
    auto pair = ASSERT_VALUE(start_pair({"x-colo"}));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(3));
    pair->primary().process().kill_now();
    Vm& survivor = pair->secondary();
    ASSERT_VALUE(take_over(survivor));
    ASSERT_VALUE(wait_run_state(survivor, "suspended"));
    ASSERT_VALUE(check_asleep(survivor));
    ASSERT_VALUE(wake(survivor, "WB"));
}

}  // namespace
}  // namespace qc::qtest
