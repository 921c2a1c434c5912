// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/pvpanic.h"

#include <gtest/gtest.h>

#include "hw/core/fake_machine.h"

namespace qc::hw {
namespace {

struct FakeReports final : GuestReports {
    void guest_panicked() override { ++panics; }
    void guest_crash_loaded() override { ++crashes; }
    void watchdog_expired() override {}
    int panics = 0;
    int crashes = 0;
};

TEST(Pvpanic, port_reads_the_reports_that_it_takes) {
    FakeMachine machine;
    FakeReports reports;
    EXPECT_EQ(Pvpanic({}, machine.context, &reports).io_read(0, 1), 3u);
    Pvpanic device({.port = 0x600, .events = Pvpanic::kPanicked}, machine.context, &reports);
    EXPECT_EQ(machine.in(0x600), 1);
    machine.out(0x600, Pvpanic::kCrashLoaded);
    EXPECT_EQ(reports.crashes, 0);
}

TEST(Pvpanic, panic_outweighs_a_crash_kernel) {
    FakeMachine machine;
    FakeReports reports;
    Pvpanic device({}, machine.context, &reports);
    machine.out(0x505, 0);
    machine.out(0x505, 4);
    EXPECT_EQ(reports.panics + reports.crashes, 0);
    machine.out(0x505, Pvpanic::kCrashLoaded);
    EXPECT_EQ(reports.crashes, 1);
    machine.out(0x505, 3);
    EXPECT_EQ(reports.panics, 1);
    EXPECT_EQ(reports.crashes, 1);
}

}  // namespace
}  // namespace qc::hw
