// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/rtc/mc146818.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "hw/core/ticks.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

// Tuesday, 29 February 2000, 13:59:58.0 UTC.
constexpr int64_t kStart = 951'832'798 * kNsPerSecond;

struct StartedMachine : FakeMachine {
    StartedMachine() { set_host_clock_ns(kStart); }
};

class Mc146818Test : public ::testing::Test {
 protected:
    Mc146818Test() {
        rtc.irq().connect([this](bool level) { interrupts += level; });
    }
    uint8_t get(uint8_t index) {
        machine.out(0x70, index);
        return machine.in(0x71);
    }
    void set(uint8_t index, uint8_t value) {
        machine.out(0x70, index);
        machine.out(0x71, value);
    }
    void seconds(double count) { machine.advance_ns(static_cast<int64_t>(count * 1e9)); }

    StartedMachine machine;
    Mc146818 rtc{{}, machine.context};
    int interrupts = 0;
};

TEST_F(Mc146818Test, shows_host_time_in_bcd) {
    EXPECT_EQ(get(0), 0x58);
    EXPECT_EQ(get(2), 0x59);
    EXPECT_EQ(get(4), 0x13);
    EXPECT_EQ(get(6), 3);
    EXPECT_EQ(get(7), 0x29);
    EXPECT_EQ(get(8), 0x02);
    EXPECT_EQ(get(9), 0x00);
    EXPECT_EQ(get(0x32), 0x20);
    EXPECT_EQ(get(0x0d), 0x80);
    seconds(2);
    EXPECT_EQ(get(0), 0x00);
    EXPECT_EQ(get(2), 0x00);
    EXPECT_EQ(get(4), 0x14);
}

TEST_F(Mc146818Test, binary_and_12_hours) {
    set(0x0b, 0x04);
    EXPECT_EQ(get(0), 58);
    EXPECT_EQ(get(4), 0x80 | 1);
    set(0x0b, 0x00);
    EXPECT_EQ(get(4), 0x80 | 0x01);
    set(4, 0x12);  // 12 in the morning is midnight
    set(0x0b, 0x02);
    EXPECT_EQ(get(4), 0x00);
}

TEST_F(Mc146818Test, set_holds_time_and_release_takes_it) {
    set(0x0b, 0x82);
    seconds(10);
    EXPECT_EQ(get(0), 0x58);
    for (auto [index, value] : {std::pair<uint8_t, uint8_t>{0, 0x59},
                                {2, 0x59},
                                {4, 0x23},
                                {6, 0x06},
                                {7, 0x31},
                                {8, 0x12},
                                {9, 0x99},
                                {0x32, 0x19}}) {
        set(index, value);
    }
    set(0x0b, 0x02);
    EXPECT_EQ(get(0), 0x59);
    seconds(1);
    EXPECT_EQ(get(0), 0x00);
    EXPECT_EQ(get(4), 0x00);
    EXPECT_EQ(get(6), 0x07) << "the guest's day of the week goes on from what it said";
    EXPECT_EQ(get(7), 0x01);
    EXPECT_EQ(get(9), 0x00);
    EXPECT_EQ(get(0x32), 0x20);
}

TEST_F(Mc146818Test, writing_while_running_changes_one_field) {
    set(4, 0x07);
    EXPECT_EQ(get(4), 0x07);
    EXPECT_EQ(get(2), 0x59);
    seconds(2);
    EXPECT_EQ(get(4), 0x08);
}

TEST_F(Mc146818Test, nonsense_in_time_is_survived) {
    for (int round = 0; round < 2; ++round) {
        for (uint8_t index : {0, 2, 4, 6, 7, 8, 9, 0x32}) {
            set(index, 0xff);
            (void)get(index);
        }
        set(0x0b, 0x06);
    }
    EXPECT_LT(get(0), 60);
}

TEST_F(Mc146818Test, uip_precedes_each_second) {
    EXPECT_EQ(get(0x0a) & 0x80, 0);
    seconds(0.9985);
    EXPECT_EQ(get(0x0a) & 0x80, 0x80);
    seconds(0.0015);
    EXPECT_EQ(get(0x0a) & 0x80, 0);
    EXPECT_EQ(get(0), 0x59);
    set(0x0b, 0x82);
    seconds(0.999);
    EXPECT_EQ(get(0x0a) & 0x80, 0) << "no update while SET";
}

TEST_F(Mc146818Test, update_interrupt_once_a_second_until_read) {
    set(0x0b, 0x12);
    seconds(3.5);
    EXPECT_EQ(interrupts, 1) << "the line stays up until register C is read";
    EXPECT_EQ(get(0x0c) & 0x90, 0x90);
    EXPECT_FALSE(rtc.irq().level());
    EXPECT_EQ(get(0x0c), 0x00);
    seconds(1);
    EXPECT_EQ(interrupts, 2);
}

TEST_F(Mc146818Test, flags_are_set_without_enables) {
    seconds(1.5);
    EXPECT_EQ(interrupts, 0);
    EXPECT_EQ(get(0x0c), 0x50);
}

TEST_F(Mc146818Test, periodic_interrupt_at_1024_hz) {
    set(0x0b, 0x42);
    int seen = 0;
    for (int i = 0; i < 10'000; ++i) {
        seconds(0.0001);
        if (rtc.irq().level()) {
            ++seen;
            EXPECT_EQ(get(0x0c) & 0xc0, 0xc0);
        }
    }
    EXPECT_NEAR(seen, 1024, 1);
}

TEST_F(Mc146818Test, alarm_at_given_time) {
    set(1, 0x05);
    set(3, 0x00);
    set(5, 0x14);
    set(0x0b, 0x22);
    seconds(6.9);
    EXPECT_EQ(interrupts, 0);
    seconds(0.2);
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(get(0x0c) & 0xa0, 0xa0);
}

// Nobody has read register C yet after an interrupt, as in a machine that sleeps.
TEST_F(Mc146818Test, alarm_is_told_once_also_behind_another_interrupt) {
    int alarms = 0;
    rtc.on_alarm([&] { ++alarms; });
    set(1, 0x05);
    set(3, 0xc0);
    set(5, 0xc0);
    set(0x0b, 0x32);
    seconds(3);
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(alarms, 0);
    seconds(5);
    EXPECT_EQ(alarms, 1);
    EXPECT_EQ(interrupts, 1);
    (void)get(0x0c);
    set(0x0b, 0x02);
    seconds(60);
    EXPECT_EQ(alarms, 1) << "it is not enabled any more";
}

TEST_F(Mc146818Test, alarm_with_dont_care_repeats) {
    set(1, 0x30);
    set(3, 0xff);
    set(5, 0xc0);
    set(0x0b, 0x22);
    for (int i = 0; i < 5; ++i) {
        seconds(60);
        EXPECT_EQ(get(0x0c) & 0xa0, 0xa0);
    }
    EXPECT_EQ(interrupts, 5);
}

TEST_F(Mc146818Test, impossible_alarm_never_comes) {
    set(5, 0x77);
    set(0x0b, 0x22);
    EXPECT_EQ(machine.context.host_timers.next_deadline_ns(), TimerQueue::kNever);
}

TEST_F(Mc146818Test, divider_reset_holds_and_releases_half_a_second_before_update) {
    set(0x0a, 0x76);
    seconds(5);
    EXPECT_EQ(get(0), 0x58);
    set(0x0a, 0x26);
    seconds(0.49);
    EXPECT_EQ(get(0), 0x58);
    seconds(0.02);
    EXPECT_EQ(get(0), 0x59);
}

TEST_F(Mc146818Test, reset_keeps_time_and_ram) {
    set(0x10, 0xab);
    set(0x0b, 0x72);
    seconds(1);
    EXPECT_TRUE(rtc.irq().level());
    rtc.reset();
    EXPECT_FALSE(rtc.irq().level());
    EXPECT_EQ(get(0x0b), 0x02);
    EXPECT_EQ(get(0x10), 0xab);
    EXPECT_EQ(get(0), 0x59);
}

TEST_F(Mc146818Test, board_bytes_and_nmi_mask) {
    rtc.set_cmos(0x34, 0x12);
    EXPECT_EQ(get(0x34), 0x12);
    EXPECT_EQ(get(0x80 | 0x34), 0x12);
    EXPECT_TRUE(rtc.nmi_masked());
    EXPECT_EQ(get(0x34), 0x12);
    EXPECT_FALSE(rtc.nmi_masked());
}

TEST_F(Mc146818Test, clock_set_back_does_not_hang_or_interrupt) {
    set(0x0b, 0x12);
    machine.set_host_clock_ns(kStart - 3600 * kNsPerSecond);
    EXPECT_EQ(get(4), 0x12);
    EXPECT_EQ(interrupts, 0);
}

TEST(Mc146818, virtual_clock_with_offset) {
    FakeMachine machine;
    Mc146818 rtc({.clock = Mc146818::ClockSource::kVirtual, .offset_s = 951'832'798},
                 machine.context);
    machine.out(0x70, 4);
    EXPECT_EQ(machine.in(0x71), 0x13);
}

struct RtcSubject final : state::ConformanceSubject {
    state::StateComponent& component() override { return *rtc.state_components()[0]; }
    void exercise(unsigned seed) override {
        std::mt19937 random(seed);
        for (int i = 0; i < 1000; ++i) {
            machine.out(0x70, static_cast<uint8_t>(random() % (i % 2 ? 128 : 14)));
            if (random() % 2) machine.out(0x71, static_cast<uint8_t>(random()));
            (void)machine.in(0x71);
            machine.advance_ns(random() % 100'000'000);
        }
    }
    StartedMachine machine;
    Mc146818 rtc{{}, machine.context};
};

TEST(Mc146818State, conformance) {
    state::check_conformance([] { return std::make_unique<RtcSubject>(); }, "mc146818rtc.hex");
}

TEST(Mc146818State, guest_set_clock_travels_to_a_host_with_another_clock) {
    RtcSubject source;
    source.machine.out(0x70, 9);
    source.machine.out(0x71, 0x42);
    auto bytes = source.component().save_state();
    ASSERT_TRUE(bytes);
    RtcSubject target;
    target.machine.advance_ns(10 * kNsPerSecond);
    auto staged = target.component().stage_state(1, *bytes);
    ASSERT_TRUE(staged);
    ASSERT_TRUE((*staged)->commit());
    target.machine.out(0x70, 9);
    EXPECT_EQ(target.machine.in(0x71), 0x42);
    target.machine.out(0x70, 0);
    EXPECT_EQ(target.machine.in(0x71), 0x08) << "its own clock is ten seconds ahead";
}

}  // namespace
}  // namespace qc::hw
