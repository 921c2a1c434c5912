// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/apic_timer.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

constexpr auto kOneShot = ApicTimerMode::kOneShot;
constexpr auto kPeriodic = ApicTimerMode::kPeriodic;

TEST(ApicTimer, one_shot_reaches_zero_once) {
    ApicTimer timer;
    timer.set_divide(0, 0x0b);  // by 1
    timer.set_initial(100, 1000);
    EXPECT_EQ(timer.next_ns(), 1100);
    EXPECT_FALSE(timer.advance(1099, kOneShot));
    EXPECT_EQ(timer.current(1099), 1u);
    EXPECT_TRUE(timer.advance(1100, kOneShot));
    EXPECT_EQ(timer.current(1100), 0u);
    EXPECT_FALSE(timer.advance(5000, kOneShot));
    EXPECT_EQ(timer.next_ns(), ApicTimer::kNever);
}

TEST(ApicTimer, periodic_keeps_phase_over_missed_periods) {
    ApicTimer timer;
    timer.set_divide(0, 0x0b);
    timer.set_initial(0, 1000);
    EXPECT_TRUE(timer.advance(7'250, kPeriodic));
    EXPECT_FALSE(timer.advance(7'900, kPeriodic));
    EXPECT_EQ(timer.next_ns(), 8000);
    EXPECT_EQ(timer.current(7'250), 750u);
}

TEST(ApicTimer, dividers) {
    constexpr std::pair<uint8_t, int64_t> kDividers[] = {
        {0x0, 2}, {0x1, 4}, {0x2, 8}, {0x3, 16}, {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}};
    for (auto [code, divider] : kDividers) {
        ApicTimer timer;
        timer.set_divide(0, code);
        timer.set_initial(0, 100);
        EXPECT_EQ(timer.next_ns(), 100 * divider) << unsigned{code};
        EXPECT_EQ(timer.divide(), code);
    }
}

TEST(ApicTimer, changing_divider_keeps_count) {
    ApicTimer timer;
    timer.set_divide(0, 0x0b);
    timer.set_initial(0, 1000);
    timer.advance(400, kOneShot);
    timer.set_divide(400, 0x00);
    EXPECT_EQ(timer.current(400), 600u);
    EXPECT_EQ(timer.next_ns(), 400 + 600 * 2);
}

TEST(ApicTimer, zero_stops) {
    ApicTimer timer;
    timer.set_initial(0, 100);
    timer.set_initial(10, 0);
    EXPECT_FALSE(timer.advance(1'000'000, kPeriodic));
    EXPECT_EQ(timer.current(1'000'000), 0u);
}

}  // namespace
}  // namespace qc::hw
