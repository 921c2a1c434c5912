// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whole migrations between two machines in this process, over a channel in
// memory.
#include <gtest/gtest.h>

#include "migration/precopy_fixture.h"

namespace qc::migration {
namespace {

using runstate::RunState;

TEST_F(PrecopyTest, running_guest_goes_on_at_the_destination_with_consistent_memory) {
    source.fill_cold_pages(7);
    source.device.state.bytes.assign(1000, std::byte{42});
    ASSERT_TRUE(source.vm->start());
    ASSERT_TRUE(eventually([&] { return source.cpu->steps() > 200; }));
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    EXPECT_EQ(source.vm->state(), RunState::kPostmigrate);
    ASSERT_TRUE(eventually([&] { return destination.cpu->steps() > 100; }));
    ASSERT_TRUE(destination.vm->stop(RunState::kPaused));
    EXPECT_EQ(destination.cpu->check_memory(), "");
    EXPECT_EQ(destination.device.state.bytes, source.device.state.bytes);
    EXPECT_EQ(*destination_migration.info().status, MigrationStatus::kCompleted);
}

TEST_F(PrecopyTest, paused_source_gives_equal_ram_and_a_paused_destination) {
    source.fill_cold_pages(9);
    ASSERT_TRUE(source.vm->start());
    ASSERT_TRUE(eventually([&] { return source.cpu->steps() > 200; }));
    ASSERT_TRUE(source.vm->stop(RunState::kPaused));
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    EXPECT_EQ(destination.vm->state(), RunState::kPaused);
    EXPECT_EQ(source.compare_ram(destination), "");
    EXPECT_EQ(destination.cpu->check_memory(), "");
    MigrationInfo info = source_migration.info();
    EXPECT_EQ(info.ram->remaining, 0u);
    EXPECT_EQ(info.ram->duplicate + info.ram->normal, (2048u + 16u));
    EXPECT_EQ(info.ram->total, (2048u + 16u) * 4096);
    EXPECT_TRUE(info.downtime_ms.has_value());
}

TEST_F(PrecopyTest, statuses_and_events_come_in_order) {
    enable_events(source_migration);
    enable_events(destination_migration);
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    EXPECT_EQ(source.events.entries(),
              (std::vector<std::string>{"RESUME", "setup", "active", "STOP", "completed"}));
    ASSERT_TRUE(destination.events.wait_for("completed"));
    EXPECT_EQ(destination.events.entries(),
              (std::vector<std::string>{"setup", "active", "RESUME", "completed"}));
}

TEST_F(PrecopyTest, slow_migration_can_be_cancelled_and_the_source_runs_on) {
    ASSERT_TRUE(
        source_migration.set_parameters({.max_bandwidth = 100'000, .downtime_limit_ms = 1}));
    source.fill_cold_pages(5);
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(eventually([&] { return source_migration.info().ram.has_value(); }));
    ASSERT_TRUE(source_migration.cancel());
    ASSERT_TRUE(source_reaches(MigrationStatus::kCancelled));
    EXPECT_TRUE(source.vm->running());
    EXPECT_FALSE(source.dirty_log.running() &&
                 !eventually([&] { return !source.dirty_log.running(); }));
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_EQ(destination.vm->state(), RunState::kInmigrate);
}

TEST_F(PrecopyTest, second_migrate_while_one_runs_is_refused) {
    ASSERT_TRUE(
        source_migration.set_parameters({.max_bandwidth = 100'000, .downtime_limit_ms = 1}));
    source.fill_cold_pages(5);
    begin();
    auto opener = [](const io::Interrupt*) -> Result<std::unique_ptr<io::Channel>> {
        return fail("unused");
    };
    Result<void> second = source_migration.migrate_over(opener);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message(), "There's a migration process in progress");
    std::vector<Capabilities::Change> change = {{Capability::kReturnPath, true}};
    EXPECT_FALSE(source_migration.set_capabilities(change));
}

TEST_F(PrecopyTest, connection_that_cannot_be_opened_fails_and_the_source_runs_on) {
    enable_events(source_migration);
    ASSERT_TRUE(source.vm->start());
    ASSERT_TRUE(source_migration.migrate_over(
        [](const io::Interrupt*) -> Result<std::unique_ptr<io::Channel>> {
            return fail("nobody is there");
        }));
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_EQ(*source_migration.info().error_desc, "nobody is there");
    EXPECT_TRUE(source.vm->running());
    // And it can be tried again.
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
}

TEST_F(PrecopyTest, destination_that_cannot_commit_leaves_the_source_running) {
    destination.cpu->fail_restore = true;
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_TRUE(source.vm->running());
    EXPECT_NE(source_migration.info().error_desc->find("the kernel refuses"), std::string::npos)
        << *source_migration.info().error_desc;
    EXPECT_FALSE(destination.vm->running());
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("'cpu:0'"), std::string::npos);
}

TEST_F(PrecopyTest, dirty_log_that_fails_at_the_end_leaves_the_source_running) {
    ASSERT_TRUE(source.vm->start());
    source.dirty_log.fail_collect = true;
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_TRUE(source.vm->running());
}

TEST_F(PrecopyTest, source_with_s_option_stays_in_prelaunch_on_failure) {
    destination.cpu->fail_restore = true;
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_EQ(source.vm->state(), RunState::kPrelaunch);
}

TEST_F(PrecopyTest, colo_wanted_by_the_source_only_is_refused_by_name) {
    std::vector<Capabilities::Change> change = {{Capability::kXColo, true}};
    ASSERT_TRUE(source_migration.set_capabilities(change));
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_TRUE(source.vm->running());
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("x-colo"), std::string::npos);
}

TEST_F(PrecopyTest, process_that_ends_in_the_middle_does_not_call_it_a_failure) {
    ASSERT_TRUE(
        source_migration.set_parameters({.max_bandwidth = 100'000, .downtime_limit_ms = 1}));
    source.fill_cold_pages(5);
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(eventually([&] { return source_migration.info().ram.has_value(); }));
    destination_migration.shut_down();
    EXPECT_EQ(destination.events.count("incoming failed"), 0u);
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_TRUE(source.vm->running());
}

TEST(PrecopyIdentityTest, other_machine_type_is_refused_by_name) {
    TestMachine source;
    TestMachine destination{{.machine_type = "q35-test", .incoming = true}};
    Migration from(source.deps());
    Migration to(destination.deps());
    auto [a, b] = io::MemoryChannel::create_pair();
    ASSERT_TRUE(to.migrate_incoming_from(std::move(b)));
    ASSERT_TRUE(from.migrate_over(
        [channel = std::move(a)](const io::Interrupt*) mutable
            -> Result<std::unique_ptr<io::Channel>> { return std::move(channel); }));
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("'pc-test'"), std::string::npos);
    EXPECT_TRUE(eventually([&] { return *from.info().status == MigrationStatus::kFailed; }));
    from.shut_down();
    to.shut_down();
}

TEST(PrecopyIdentityTest, other_ram_size_is_refused) {
    TestMachine source;
    TestMachine destination{{.ram_pages = 1024, .incoming = true}};
    Migration from(source.deps());
    Migration to(destination.deps());
    auto [a, b] = io::MemoryChannel::create_pair();
    ASSERT_TRUE(to.migrate_incoming_from(std::move(b)));
    ASSERT_TRUE(from.migrate_over(
        [channel = std::move(a)](const io::Interrupt*) mutable
            -> Result<std::unique_ptr<io::Channel>> { return std::move(channel); }));
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("bytes of RAM"), std::string::npos);
    from.shut_down();
    to.shut_down();
}

}  // namespace
}  // namespace qc::migration
