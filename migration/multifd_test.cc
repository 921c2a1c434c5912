// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whole migrations and COLO pairs over multifd, in this process, over channels in
// memory.
#include <gtest/gtest.h>

#include "migration/migration.h"
#include "migration/test_machine.h"
#include "migration/test_rendezvous.h"

namespace qc::migration {
namespace {

using runstate::RunState;

class MultifdTest : public testing::Test {
 protected:
    void TearDown() override {
        from.shut_down();
        to.shut_down();
    }

    void enable(const ParameterChanges& parameters = {}, bool colo = false) {
        for (Migration* side : {&from, &to}) {
            std::vector<Capabilities::Change> on = {{Capability::kMultifd, true},
                                                    {Capability::kEvents, true},
                                                    {Capability::kXColo, colo}};
            ASSERT_TRUE(side->set_capabilities(on));
            Result<void> set = side->set_parameters(parameters);
            ASSERT_TRUE(set) << set.error().message();
        }
    }
    void begin() {
        ASSERT_TRUE(to.migrate_incoming_over(rendezvous.accept()));
        ASSERT_TRUE(from.migrate_over(rendezvous.opener()));
    }
    bool source_reaches(MigrationStatus status) {
        return eventually([&] { return from.info().status == status; });
    }
    std::string source_error() { return from.info().error_desc.value_or(""); }
    // What every successful migration of a running guest must show.
    void migrates_running_guest() {
        source.fill_cold_pages(7);
        source.device.state.bytes.assign(1000, std::byte{42});
        ASSERT_TRUE(source.vm->start());
        ASSERT_TRUE(eventually([&] { return source.cpu->steps() > 200; }));
        begin();
        ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted)) << source_error();
        EXPECT_EQ(source.vm->state(), RunState::kPostmigrate);
        ASSERT_TRUE(eventually([&] { return destination.cpu->steps() > 100; }));
        ASSERT_TRUE(destination.vm->stop(RunState::kPaused));
        EXPECT_EQ(destination.cpu->check_memory(), "");
        EXPECT_EQ(destination.device.state.bytes, source.device.state.bytes);
    }
    void migrates_stopped_guest() {
        source.fill_cold_pages(9);
        begin();
        ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted)) << source_error();
        EXPECT_EQ(source.compare_ram(destination), "");
    }

    TestRendezvous rendezvous;
    TestMachine source;
    TestMachine destination{{.incoming = true}};
    Migration from{source.deps()};
    Migration to{destination.deps()};
};

TEST_F(MultifdTest, running_guest_goes_on_with_consistent_memory) {
    enable();
    migrates_running_guest();
}

TEST_F(MultifdTest, many_channels_bring_equal_ram) {
    enable({.multifd_channels = uint8_t{16}});
    migrates_stopped_guest();
    MigrationInfo info = from.info();
    EXPECT_EQ(info.ram->remaining, 0u);
    EXPECT_EQ(info.ram->duplicate + info.ram->normal, (2048u + 16u));
}

TEST_F(MultifdTest, zlib_brings_running_guest) {
    enable({.multifd_compression = MultifdCompression::kZlib});
    migrates_running_guest();
}

TEST_F(MultifdTest, zstd_brings_running_guest) {
    enable({.multifd_compression = MultifdCompression::kZstd, .multifd_zstd_level = uint8_t{3}});
    migrates_running_guest();
}

TEST_F(MultifdTest, legacy_zero_pages_go_over_the_stream) {
    enable({.zero_page_detection = ZeroPageDetection::kLegacy});
    migrates_running_guest();
    EXPECT_GT(from.info().ram->duplicate, 0u);
}

TEST_F(MultifdTest, without_detection_every_page_is_sent_whole) {
    enable({.zero_page_detection = ZeroPageDetection::kNone});
    migrates_stopped_guest();
    EXPECT_EQ(from.info().ram->duplicate, 0u);
}

TEST_F(MultifdTest, channels_that_arrive_after_the_stream_are_used) {
    enable({.multifd_channels = uint8_t{4}});
    rendezvous.reverse(true);
    rendezvous.hold_until(5);
    migrates_running_guest();
}

TEST_F(MultifdTest, slow_migration_can_be_cancelled_and_done_again) {
    enable({.max_bandwidth = 100'000, .downtime_limit_ms = 1});
    source.fill_cold_pages(5);
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(eventually([&] { return from.info().ram.has_value(); }));
    ASSERT_TRUE(from.cancel());
    ASSERT_TRUE(source_reaches(MigrationStatus::kCancelled)) << source_error();
    EXPECT_TRUE(source.vm->running());
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));

    TestMachine second{{.incoming = true}};
    Migration second_to{second.deps()};
    TestRendezvous again;
    std::vector<Capabilities::Change> on = {{Capability::kMultifd, true}};
    ASSERT_TRUE(second_to.set_capabilities(on));
    ASSERT_TRUE(second_to.migrate_incoming_over(again.accept()));
    ASSERT_TRUE(from.set_parameters({.max_bandwidth = 0, .downtime_limit_ms = 300}));
    ASSERT_TRUE(from.migrate_over(again.opener()));
    EXPECT_TRUE(source_reaches(MigrationStatus::kCompleted)) << source_error();
    EXPECT_TRUE(eventually([&] { return second.cpu->steps() > 100; }));
    second_to.shut_down();
}

TEST_F(MultifdTest, channel_that_breaks_fails_the_migration_with_its_error) {
    enable({.max_bandwidth = 1'000'000, .downtime_limit_ms = 1, .multifd_channels = uint8_t{3}});
    source.fill_cold_pages(5);
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(eventually([&] { return from.info().ram.has_value(); }));
    rendezvous.opened(1)->shutdown();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    // The destination ends all channels when it loses one: any may be found broken first.
    EXPECT_NE(source_error().find("multifd channel"), std::string::npos) << source_error();
    EXPECT_TRUE(source.vm->running());
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("multifd channel"), std::string::npos)
        << destination.events.failure();
}

TEST_F(MultifdTest, yank_breaks_a_migration_that_is_stuck) {
    enable({.max_bandwidth = 1'000'000, .downtime_limit_ms = 1});
    source.fill_cold_pages(5);
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(eventually([&] { return to.info().status == MigrationStatus::kActive; }));
    to.yank();
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_TRUE(source.vm->running());
}

TEST_F(MultifdTest, other_number_of_channels_is_refused_by_name) {
    enable({.multifd_channels = uint8_t{2}});
    ASSERT_TRUE(to.set_parameters({.multifd_channels = uint8_t{3}}));
    begin();
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("'multifd-channels'"), std::string::npos);
    EXPECT_TRUE(source_reaches(MigrationStatus::kFailed));
}

TEST_F(MultifdTest, other_compression_is_refused_by_name) {
    enable();
    ASSERT_TRUE(to.set_parameters({.multifd_compression = MultifdCompression::kZlib}));
    begin();
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("'multifd-compression'"), std::string::npos);
}

TEST_F(MultifdTest, source_without_multifd_is_refused_by_name) {
    enable();
    std::vector<Capabilities::Change> off = {{Capability::kMultifd, false}};
    ASSERT_TRUE(from.set_capabilities(off));
    begin();
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("'multifd'"), std::string::npos);
}

TEST_F(MultifdTest, destination_without_multifd_is_refused_by_name) {
    enable();
    std::vector<Capabilities::Change> off = {{Capability::kMultifd, false}};
    ASSERT_TRUE(to.set_capabilities(off));
    auto [ours, theirs] = io::MemoryChannel::create_pair();
    ASSERT_TRUE(to.migrate_incoming_from(std::move(theirs)));
    // The third connection is the stream; nobody takes the others.
    auto opener = [&, number = 0, stream = std::move(ours)](
                      const io::Interrupt*) mutable -> Result<std::unique_ptr<io::Channel>> {
        return ++number == 3 ? std::move(stream) : rendezvous.connect();
    };
    ASSERT_TRUE(from.migrate_over(std::move(opener)));
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("'multifd'"), std::string::npos);
}

TEST_F(MultifdTest, single_connection_cannot_serve_multifd) {
    enable();
    auto [ours, theirs] = io::MemoryChannel::create_pair();
    Result<void> begun = to.migrate_incoming_from(std::move(theirs));
    ASSERT_FALSE(begun);
    EXPECT_NE(begun.error().message().find("multifd"), std::string::npos);
}

class MultifdColoTest : public MultifdTest {
 protected:
    void SetUp() override {
        source.requests.set_policy(&from);
        destination.requests.set_policy(&to);
    }
    void TearDown() override {
        source.requests.set_policy(nullptr);
        destination.requests.set_policy(nullptr);
        MultifdTest::TearDown();
    }
    void enter_colo(ParameterChanges parameters) {
        enable(parameters, true);
        ASSERT_TRUE(from.set_parameters({.checkpoint_delay_ms = 1'000'000, .colo_verify = true}));
        source.fill_cold_pages(7);
        ASSERT_TRUE(source.vm->start());
        begin();
        ASSERT_TRUE(source.events.wait_for("colo")) << source_error();
        ASSERT_TRUE(destination.events.wait_for("colo"));
    }
    uint64_t checkpoints() { return from.info().colo->checkpoints; }
    void makes_equal_checkpoints(ParameterChanges parameters) {
        enter_colo(parameters);
        ASSERT_TRUE(from.set_parameters({.checkpoint_delay_ms = 1}));
        ASSERT_TRUE(eventually([&] { return checkpoints() >= 100; })) << source_error();
        EXPECT_GE(from.info().colo->verified, 100u);
        EXPECT_EQ(source.events.failure(), "");
        EXPECT_EQ(from.info().status, MigrationStatus::kColo);
    }
    static void runs_on(TestMachine& machine) {
        uint64_t before = machine.cpu->steps();
        EXPECT_TRUE(eventually([&] { return machine.cpu->steps() > before + 50; }));
        ASSERT_TRUE(machine.vm->user_stop());
        ASSERT_TRUE(eventually([&] { return machine.vm->state() == RunState::kPaused; }));
        EXPECT_EQ(machine.cpu->check_memory(), "");
    }
};

TEST_F(MultifdColoTest, checkpoints_leave_both_sides_equal) {
    makes_equal_checkpoints({});
}
TEST_F(MultifdColoTest, checkpoints_into_a_cache_leave_both_sides_equal) {
    makes_equal_checkpoints({.colo_method = ColoMethod::kCache});
}
TEST_F(MultifdColoTest, zstd_checkpoints_into_a_cache_leave_both_sides_equal) {
    makes_equal_checkpoints(
        {.colo_method = ColoMethod::kCache, .multifd_compression = MultifdCompression::kZstd});
}
TEST_F(MultifdColoTest, checkpoints_over_many_channels_leave_both_sides_equal) {
    makes_equal_checkpoints({.multifd_channels = uint8_t{8}});
}
TEST_F(MultifdColoTest, zlib_checkpoints_leave_both_sides_equal) {
    makes_equal_checkpoints({.multifd_compression = MultifdCompression::kZlib});
}
TEST_F(MultifdColoTest, zstd_checkpoints_leave_both_sides_equal) {
    makes_equal_checkpoints({.multifd_compression = MultifdCompression::kZstd});
}
TEST_F(MultifdColoTest, legacy_zero_pages_leave_both_sides_equal) {
    makes_equal_checkpoints({.zero_page_detection = ZeroPageDetection::kLegacy});
}
TEST_F(MultifdColoTest, without_zero_detection_both_sides_are_equal) {
    makes_equal_checkpoints({.zero_page_detection = ZeroPageDetection::kNone});
}

TEST_F(MultifdColoTest, secondary_takes_over_when_told) {
    enter_colo({});
    ASSERT_TRUE(from.set_parameters({.checkpoint_delay_ms = 1}));
    ASSERT_TRUE(eventually([&] { return checkpoints() >= 5; }));
    ASSERT_TRUE(to.colo_lost_heartbeat());
    ASSERT_TRUE(destination.events.wait_for("completed"));
    runs_on(destination);
}

TEST_F(MultifdColoTest, primary_goes_on_when_told) {
    enter_colo({});
    ASSERT_TRUE(from.set_parameters({.checkpoint_delay_ms = 1}));
    ASSERT_TRUE(eventually([&] { return checkpoints() >= 5; }));
    ASSERT_TRUE(from.colo_lost_heartbeat());
    ASSERT_TRUE(source.events.wait_for("completed"));
    runs_on(source);
}

TEST_F(MultifdColoTest, channel_that_breaks_ends_colo_and_the_secondary_can_take_over) {
    enter_colo({.multifd_channels = uint8_t{4}});
    ASSERT_TRUE(eventually([&] { return destination.vm->running(); }));
    rendezvous.opened(2)->shutdown();
    ASSERT_TRUE(eventually([&] { return to.info().error_desc.has_value(); }));
    EXPECT_NE(to.info().error_desc->find("multifd channel 2"), std::string::npos)
        << *to.info().error_desc;
    ASSERT_TRUE(to.colo_lost_heartbeat());
    ASSERT_TRUE(destination.events.wait_for("completed"));
    runs_on(destination);
}

}  // namespace
}  // namespace qc::migration
