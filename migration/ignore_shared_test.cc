// SPDX-License-Identifier: GPL-2.0-or-later
//
// Migrations between two machines that map the same memory: the capability
// x-ignore-shared.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "migration/precopy_fixture.h"
#include "util/unique_fd.h"

namespace qc::migration {
namespace {

using runstate::RunState;

constexpr uint64_t kPages = 2048;
constexpr uint64_t kBytes = kPages * memory::kPageSize;

// The same memory mapped twice, as two processes do.
struct SharedMemory {
    SharedMemory() : fd(memfd_create("test", MFD_CLOEXEC)) {
        EXPECT_EQ(ftruncate(fd.get(), kBytes), 0);
    }
    TestMachine::Config config(bool incoming, bool shared = true) const {
        return {.incoming = incoming,
                .ram = std::make_shared<const HostMemory>(
                    *HostMemory::map(kBytes, {.fd = fd.get(), .shared = true})),
                .ram_is_shared = shared};
    }
    UniqueFd fd;
};

class IgnoreShared : public PrecopyTest {
 protected:
    IgnoreShared() : IgnoreShared(SharedMemory()) {}
    explicit IgnoreShared(const SharedMemory& memory)
        : PrecopyTest(memory.config(false), memory.config(true)) {}

    void both_ignore() {
        enable(source_migration, {Capability::kXIgnoreShared});
        enable(destination_migration, {Capability::kXIgnoreShared});
    }
    void run_source() {
        source.fill_cold_pages(7);
        ASSERT_TRUE(source.vm->start());
        ASSERT_TRUE(eventually([&] { return source.cpu->steps() > 200; }));
    }
    // The source's guest lives, and the destination said why.
    void expect_refused(std::string_view why) {
        run_source();
        begin();
        ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
        EXPECT_TRUE(source.vm->running());
        ASSERT_TRUE(destination.events.wait_for("incoming failed"));
        EXPECT_NE(destination.events.failure().find(why), std::string::npos)
            << destination.events.failure();
    }
};

TEST_F(IgnoreShared, guest_goes_on_and_its_memory_was_not_sent) {
    both_ignore();
    run_source();
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    ASSERT_TRUE(eventually([&] { return destination.cpu->steps() > 100; }));
    ASSERT_TRUE(destination.vm->stop(RunState::kPaused));
    EXPECT_EQ(destination.cpu->check_memory(), "");
    EXPECT_EQ(source.compare_ram(destination), "");
    const MigrationInfo info = source_migration.info();
    EXPECT_EQ(info.ram->total, 16u * memory::kPageSize);
    EXPECT_EQ(info.ram->normal + info.ram->duplicate, 16u);
    EXPECT_LT(info.ram->transferred, 64u * 1024);
}

TEST_F(IgnoreShared, without_the_capability_everything_is_sent) {
    run_source();
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    EXPECT_EQ(source_migration.info().ram->total, kBytes + 16u * memory::kPageSize);
}

TEST_F(IgnoreShared, source_that_ignores_alone_is_refused) {
    enable(source_migration, {Capability::kXIgnoreShared});
    expect_refused("Capability x-ignore-shared is off, but received capability is on");
}

TEST_F(IgnoreShared, destination_that_ignores_alone_refuses) {
    enable(destination_migration, {Capability::kXIgnoreShared});
    expect_refused("Capability x-ignore-shared is on, but received capability is off");
}

TEST_F(IgnoreShared, block_at_another_address_is_refused_by_name) {
    both_ignore();
    destination.ram.blocks()[1]->set_guest_address(0x10000);
    expect_refused("RAM block 'pc.bios' is at guest address 0x0 at the source, 0x10000 here");
}

TEST_F(IgnoreShared, capability_does_not_change_while_a_destination_waits) {
    auto [a, b] = io::MemoryChannel::create_pair();
    ASSERT_TRUE(destination_migration.migrate_incoming_from(std::move(b)));
    const std::vector<Capabilities::Change> on = {{Capability::kXIgnoreShared, true}};
    EXPECT_FALSE(destination_migration.set_capabilities(on));
}

// The reboot of a host: the guest stands still from the beginning.
TEST_F(IgnoreShared, cpr_reboot_stops_the_guest_first_and_lets_it_go_on) {
    both_ignore();
    ASSERT_TRUE(source_migration.set_parameters({.mode = MigrationMode::kCprReboot}));
    run_source();
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    ASSERT_TRUE(eventually([&] { return destination.cpu->steps() > 100; }));
    ASSERT_TRUE(destination.vm->stop(RunState::kPaused));
    EXPECT_EQ(destination.cpu->check_memory(), "");
    EXPECT_EQ(source_migration.info().ram->precopy_bytes, 0u);
}

class OnlySourceShares : public PrecopyTest {
 protected:
    OnlySourceShares() : OnlySourceShares(SharedMemory()) {}
    explicit OnlySourceShares(const SharedMemory& memory)
        : PrecopyTest(memory.config(false), {.incoming = true}) {}
};

TEST_F(OnlySourceShares, destination_without_the_memory_names_the_block) {
    enable(source_migration, {Capability::kXIgnoreShared});
    enable(destination_migration, {Capability::kXIgnoreShared});
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_TRUE(source.vm->running());
    ASSERT_TRUE(destination.events.wait_for("incoming failed"));
    EXPECT_NE(destination.events.failure().find("the source shares RAM block 'pc.ram'"),
              std::string::npos)
        << destination.events.failure();
}

}  // namespace
}  // namespace qc::migration
