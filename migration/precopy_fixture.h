// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two machines in this process, and migrations between them over a channel in
// memory. For tests only.
//
// Threading: the test's thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "io/memory_channel.h"
#include "migration/migration.h"
#include "migration/test_machine.h"

namespace qc::migration {

class PrecopyTest : public testing::Test {
 protected:
    PrecopyTest() = default;
    explicit PrecopyTest(const TestMachine::Config& config) : source(config) {}
    PrecopyTest(const TestMachine::Config& from, const TestMachine::Config& to)
        : source(from), destination(to) {}
    void TearDown() override {
        source_migration.shut_down();
        destination_migration.shut_down();
    }

    // Joins the two by a channel and begins.
    void begin() {
        auto [a, b] = io::MemoryChannel::create_pair();
        ASSERT_TRUE(destination_migration.migrate_incoming_from(std::move(b)));
        auto opener = [channel = std::move(a)](
                          const io::Interrupt*) mutable -> Result<std::unique_ptr<io::Channel>> {
            return std::move(channel);
        };
        ASSERT_TRUE(source_migration.migrate_over(std::move(opener)));
    }

    static void enable(Migration& migration, std::vector<Capability> capabilities) {
        std::vector<Capabilities::Change> on;
        for (Capability capability : capabilities)
            on.emplace_back(capability, true);
        ASSERT_TRUE(migration.set_capabilities(on));
    }
    static void enable_events(Migration& migration) { enable(migration, {Capability::kEvents}); }

    MigrationStatus source_status() { return *source_migration.info().status; }
    bool source_reaches(MigrationStatus status) {
        return eventually([&] { return source_status() == status; });
    }

    TestMachine source;
    TestMachine destination{{.incoming = true}};
    Migration source_migration{source.deps()};
    Migration destination_migration{destination.deps()};
};

}  // namespace qc::migration
