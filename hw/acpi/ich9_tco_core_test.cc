// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/ich9_tco_core.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

constexpr int64_t kTick = Ich9TcoCore::kTickNs;

uint16_t word(const Ich9TcoCore& tco, unsigned offset, int64_t now) {
    return static_cast<uint16_t>(tco.read(offset, now) | tco.read(offset + 1, now) << 8);
}

TEST(Ich9Tco, waits_for_the_first_reload) {
    Ich9TcoCore tco;
    EXPECT_FALSE(tco.advance(1000 * kTick));
    EXPECT_EQ(word(tco, 4, 0), 0);
    EXPECT_FALSE(tco.next_expiry_ns());
    EXPECT_EQ(word(tco, 0x12, 0), 4);
}

TEST(Ich9Tco, second_expiry_wants_a_reset) {
    Ich9TcoCore tco;
    tco.write(0x12, 5, 0);
    tco.write(0, 1, 0);
    EXPECT_EQ(tco.next_expiry_ns(), 5 * kTick);
    EXPECT_EQ(word(tco, 0, 2 * kTick), 3);
    EXPECT_FALSE(tco.advance(5 * kTick));
    EXPECT_EQ(word(tco, 4, 0), 8);
    EXPECT_TRUE(tco.advance(10 * kTick));
    EXPECT_EQ(word(tco, 6, 0), 6);
    EXPECT_FALSE(tco.advance(1000 * kTick)) << "it has stopped";
}

TEST(Ich9Tco, reload_in_time_keeps_it_quiet) {
    Ich9TcoCore tco;
    tco.write(0, 1, 0);
    for (int64_t now = 0; now < 100 * kTick; now += 3 * kTick) {
        EXPECT_FALSE(tco.advance(now));
        tco.write(0, 1, now);
    }
    EXPECT_EQ(word(tco, 4, 0), 0);
}

TEST(Ich9Tco, halt_holds_the_count) {
    Ich9TcoCore tco;
    tco.write(0, 1, 0);
    tco.write(9, 0x08, 2 * kTick);
    EXPECT_FALSE(tco.next_expiry_ns());
    EXPECT_EQ(word(tco, 0, 500 * kTick), 2);
    tco.write(9, 0x00, 500 * kTick);
    EXPECT_EQ(tco.next_expiry_ns(), 502 * kTick);
}

TEST(Ich9Tco, lock_stays_and_flags_are_cleared_by_ones) {
    Ich9TcoCore tco;
    tco.write(9, 0x10, 0);
    tco.write(9, 0x00, 0);
    EXPECT_EQ(word(tco, 8, 0), 0x1000);
    tco.write(2, 0x55, 0);
    EXPECT_EQ(tco.read(2, 0), 0x55);
    EXPECT_EQ(word(tco, 4, 0), 2);
    tco.write(4, 2, 0);
    EXPECT_EQ(word(tco, 4, 0), 0);
    EXPECT_TRUE(tco.validate(tco.state()));
    Ich9TcoState bad;
    bad.count = 0x400;
    EXPECT_FALSE(tco.validate(bad));
}

}  // namespace
}  // namespace qc::hw
