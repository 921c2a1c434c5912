// SPDX-License-Identifier: GPL-2.0-or-later
//
// What capabilities add before and around the switchover: a pause, a consent, a
// comparison of UUIDs.
#include "migration/precopy_fixture.h"

namespace qc::migration {
namespace {

using runstate::RunState;

class SwitchoverTest : public PrecopyTest {
 protected:
    // Begins, and waits until the source stands in front of its switchover.
    void begin_and_pause() {
        enable(source_migration, {Capability::kEvents, Capability::kPauseBeforeSwitchover});
        ASSERT_TRUE(source.vm->start());
        begin();
        ASSERT_TRUE(source_reaches(MigrationStatus::kPreSwitchover));
    }
};

TEST_F(SwitchoverTest, paused_migration_goes_on_when_told) {
    begin_and_pause();
    EXPECT_EQ(source.vm->state(), RunState::kFinishMigrate);
    EXPECT_EQ(destination.vm->state(), RunState::kInmigrate);
    EXPECT_TRUE(source_migration.info().ram);
    ASSERT_TRUE(source_migration.go_on(MigrationStatus::kPreSwitchover));
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    EXPECT_EQ(source.events.entries(),
              (std::vector<std::string>{"RESUME", "setup", "active", "STOP", "pre-switchover",
                                        "device", "completed"}));
    ASSERT_TRUE(destination.events.wait_for("RESUME"));
}

TEST_F(SwitchoverTest, paused_migration_that_is_cancelled_leaves_the_source_running) {
    begin_and_pause();
    ASSERT_TRUE(source_migration.cancel());
    ASSERT_TRUE(source_reaches(MigrationStatus::kCancelled));
    EXPECT_TRUE(source.vm->running());
    EXPECT_FALSE(source_migration.go_on(MigrationStatus::kPreSwitchover));
}

TEST_F(SwitchoverTest, paused_migration_that_is_yanked_fails_and_the_source_runs) {
    begin_and_pause();
    source_migration.yank();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_TRUE(source.vm->running());
}

TEST_F(SwitchoverTest, paused_migration_does_not_hinder_the_end_of_the_process) {
    begin_and_pause();
    source_migration.shut_down();
}

TEST_F(SwitchoverTest, settings_are_frozen_while_it_waits) {
    begin_and_pause();
    std::vector<Capabilities::Change> change = {{Capability::kEvents, false}};
    EXPECT_FALSE(source_migration.set_capabilities(change));
    EXPECT_FALSE(source_migration.set_parameters({.multifd_channels = uint8_t{9}}));
}

TEST_F(SwitchoverTest, going_on_from_another_state_is_an_error_that_names_it) {
    Result<void> result = source_migration.go_on(MigrationStatus::kPreSwitchover);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), "Migration not in expected state: none");
    begin_and_pause();
    EXPECT_FALSE(source_migration.go_on(MigrationStatus::kDevice));
    EXPECT_EQ(source_status(), MigrationStatus::kPreSwitchover);
}

TEST_F(SwitchoverTest, consent_is_waited_for_and_comes) {
    enable(source_migration, {Capability::kReturnPath, Capability::kSwitchoverAck});
    enable(destination_migration, {Capability::kReturnPath, Capability::kSwitchoverAck});
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
}

TEST_F(SwitchoverTest, consent_that_the_destination_does_not_give_is_an_error_by_name) {
    enable(source_migration, {Capability::kReturnPath, Capability::kSwitchoverAck});
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_TRUE(source.vm->running());
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("'switchover-ack'"), std::string::npos);
}

TEST_F(SwitchoverTest, consent_needs_a_way_back) {
    std::vector<Capabilities::Change> change = {{Capability::kSwitchoverAck, true}};
    Result<void> result = source_migration.set_capabilities(change);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("'return-path'"), std::string::npos);
}

class HostThings final : public runstate::RunListener {
 public:
    Result<void> prepare_to_start() override {
        ++taken;
        if (refuse) return fail("the image is locked");
        return {};
    }
    void vm_starting() override {}
    void vm_stopped() override {}
    std::atomic<int> taken{0};
    std::atomic<bool> refuse{false};
};

class LateBlockActivateTest : public PrecopyTest {
 protected:
    void SetUp() override { destination.vm->add_listener(things); }
    void TearDown() override {
        PrecopyTest::TearDown();
        // Before the listener goes.
        destination.vm->shut_down();
    }
    // From a source that stands still: the destination waits for `cont` as well.
    void migrate(MigrationStatus end) {
        begin();
        ASSERT_TRUE(source_reaches(end));
    }
    HostThings things;
};

TEST_F(LateBlockActivateTest, paused_destination_takes_its_disks_at_once_without_it) {
    migrate(MigrationStatus::kCompleted);
    EXPECT_EQ(things.taken, 1);
    EXPECT_FALSE(destination.vm->running());
}

TEST_F(LateBlockActivateTest, paused_destination_takes_its_disks_when_it_starts_with_it) {
    enable(destination_migration, {Capability::kLateBlockActivate});
    migrate(MigrationStatus::kCompleted);
    EXPECT_EQ(things.taken, 0);
    ASSERT_TRUE(destination.vm->user_start());
    EXPECT_EQ(things.taken, 1);
}

TEST_F(LateBlockActivateTest, disks_that_cannot_be_had_leave_the_machine_to_the_source) {
    things.refuse = true;
    migrate(MigrationStatus::kFailed);
    EXPECT_NE(source_migration.info().error_desc->find("locked"), std::string::npos);
}

class IdentityTest : public testing::Test {
 protected:
    // The destination's error, or nothing if the migration succeeded.
    static std::string migrate(std::optional<Uuid> from, std::optional<Uuid> to,
                               bool validate = true) {
        return migrate_between({.uuid = from}, {.incoming = true, .uuid = to}, validate);
    }
    static std::string migrate_between(const TestMachine::Config& from,
                                       const TestMachine::Config& to, bool validate = true) {
        TestMachine source(from);
        TestMachine destination(to);
        Migration out(source.deps());
        Migration in(destination.deps());
        std::vector<Capabilities::Change> on = {{Capability::kValidateUuid, validate}};
        EXPECT_TRUE(out.set_capabilities(on));
        auto [a, b] = io::MemoryChannel::create_pair();
        EXPECT_TRUE(in.migrate_incoming_from(std::move(b)));
        EXPECT_TRUE(out.migrate_over(
            [channel = std::move(a)](const io::Interrupt*) mutable
                -> Result<std::unique_ptr<io::Channel>> { return std::move(channel); }));
        EXPECT_TRUE(eventually([&] {
            MigrationStatus status = *in.info().status;
            return status == MigrationStatus::kCompleted || status == MigrationStatus::kFailed;
        }));
        out.shut_down();
        in.shut_down();
        return destination.events.failure();
    }

    const Uuid kOne{{1, 2, 3}};
    const Uuid kOther{{1, 2, 4}};
};

TEST_F(IdentityTest, other_processors_are_refused_with_the_reason) {
    const Processors two{.present = 2, .cores = 2};
    const Processors sockets{.present = 2, .sockets = 2};
    auto migrate_cpus = [&](const Processors& from, const Processors& to) {
        return migrate_between({.processors = from}, {.incoming = true, .processors = to});
    };
    EXPECT_EQ(migrate_cpus(two, two), "");
    EXPECT_NE(migrate_cpus(two, {}).find("the source has 2 CPUs, this machine 1"),
              std::string::npos);
    EXPECT_NE(migrate_cpus({}, two).find("the source has 1 CPUs, this machine 2"),
              std::string::npos);
    EXPECT_NE(migrate_cpus(two, sockets)
                  .find("arranged differently: -smp 2,sockets=1,cores=2,threads=1 there, -smp "
                        "2,sockets=2,cores=1,threads=1 here"),
              std::string::npos);
}

TEST_F(IdentityTest, equal_ones_or_one_that_is_missing_are_accepted) {
    EXPECT_EQ(migrate(kOne, kOne), "");
    EXPECT_EQ(migrate(std::nullopt, kOne), "");
    EXPECT_EQ(migrate(kOne, std::nullopt), "");
}

TEST_F(IdentityTest, different_ones_are_refused_and_shown) {
    std::string failure = migrate(kOne, kOther);
    EXPECT_NE(failure.find(to_string(kOne)), std::string::npos) << failure;
    EXPECT_NE(failure.find(to_string(kOther)), std::string::npos) << failure;
}

TEST_F(IdentityTest, different_ones_do_not_matter_without_the_capability) {
    EXPECT_EQ(migrate(kOne, kOther, false), "");
}

}  // namespace
}  // namespace qc::migration
