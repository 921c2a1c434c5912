// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/clock.h"

#include <gtest/gtest.h>

namespace qc {
namespace {

TEST(VirtualClock, new_clock_stands_at_zero) {
    const VirtualClock clock;
    EXPECT_FALSE(clock.running());
    EXPECT_EQ(clock.now_ns(), 0);
}

TEST(VirtualClock, stopped_keeps_what_was_set) {
    VirtualClock clock;
    clock.set_ns(1234);
    EXPECT_EQ(clock.now_ns(), 1234);
    clock.stop();
    EXPECT_EQ(clock.now_ns(), 1234);
}

TEST(VirtualClock, started_goes_on_from_its_reading) {
    VirtualClock clock;
    const RealtimeClock realtime;
    clock.set_ns(5'000'000'000);
    const int64_t before = realtime.now_ns();
    clock.start();
    clock.start();
    const int64_t reading = clock.now_ns();
    const int64_t elapsed = realtime.now_ns() - before;
    EXPECT_GE(reading, 5'000'000'000);
    EXPECT_LE(reading, 5'000'000'000 + elapsed);
}

TEST(VirtualClock, set_while_running_continues_from_there) {
    VirtualClock clock;
    clock.start();
    clock.set_ns(1'000'000'000'000);
    EXPECT_TRUE(clock.running());
    EXPECT_GE(clock.now_ns(), 1'000'000'000'000);
    clock.stop();
    const int64_t stopped = clock.now_ns();
    EXPECT_EQ(clock.now_ns(), stopped);
}

TEST(RealtimeClock, never_goes_back) {
    const RealtimeClock clock;
    const int64_t first = clock.now_ns();
    EXPECT_GE(clock.now_ns(), first);
}

TEST(HostClock, is_wall_time) {
    // 2020-01-01; a host that is older than this tree has no clock set.
    EXPECT_GT(HostClock().now_ns(), 1'577'836'800'000'000'000);
}

}  // namespace
}  // namespace qc
