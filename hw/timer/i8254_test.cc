// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/i8254.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

// One counter on a clock that the test moves, tick by tick.
class I8254ChannelTest : public ::testing::Test {
 protected:
    void control(uint8_t value) {
        channel.advance(now);
        channel.write_control(value);
    }
    void count(uint16_t value) {
        write(static_cast<uint8_t>(value));
        write(static_cast<uint8_t>(value >> 8));
    }
    void write(uint8_t value) {
        channel.advance(now);
        channel.write_count(now, value);
    }
    uint16_t read() {
        channel.advance(now);
        channel.latch_count(now);
        const uint8_t low = channel.read(now);
        return static_cast<uint16_t>(low | channel.read(now) << 8);
    }
    uint8_t status() {
        channel.advance(now);
        channel.latch_status(now);
        return channel.read(now);
    }
    void gate(bool level) {
        channel.advance(now);
        channel.set_gate(now, level);
    }
    // OUT for each of the next ticks, as '1' and '0'.
    std::string wave(int ticks) {
        std::string text;
        for (int i = 0; i < ticks; ++i) {
            channel.advance(++now);
            text += channel.output() ? '1' : '0';
        }
        return text;
    }
    I8254Channel channel;
    int64_t now = 1000;
};

TEST_F(I8254ChannelTest, mode0_rises_after_count_plus_one) {
    control(0x30);
    EXPECT_FALSE(channel.output());
    count(4);
    EXPECT_EQ(wave(8), "00001111");
}

TEST_F(I8254ChannelTest, mode0_gate_low_pauses) {
    control(0x30);
    count(4);
    EXPECT_EQ(wave(2), "00");
    gate(false);
    EXPECT_EQ(wave(5), "00000");
    EXPECT_EQ(channel.next_rise(), I8254Channel::kNever);
    EXPECT_EQ(read(), 3);
    gate(true);
    EXPECT_EQ(wave(4), "0011");
}

TEST_F(I8254ChannelTest, mode0_counts_on_through_zero) {
    control(0x30);
    count(4);
    wave(10);
    EXPECT_EQ(read(), 0xfffb);
}

TEST_F(I8254ChannelTest, mode0_first_byte_stops_count) {
    control(0x30);
    count(2);
    wave(6);
    write(0x05);
    EXPECT_FALSE(channel.output());
    EXPECT_EQ(wave(20), std::string(20, '0'));
    write(0x00);
    EXPECT_EQ(wave(7), "0000011");
}

TEST_F(I8254ChannelTest, mode1_one_shot_is_retriggerable) {
    gate(false);
    control(0x32);
    count(3);
    EXPECT_EQ(wave(3), "111");
    gate(true);
    EXPECT_EQ(wave(2), "00");
    gate(false);
    gate(true);
    EXPECT_EQ(wave(5), "00111");
}

TEST_F(I8254ChannelTest, mode2_low_for_one_tick_each_period) {
    control(0x34);
    EXPECT_TRUE(channel.output());
    count(4);
    EXPECT_EQ(wave(12), "111011101110");
}

TEST_F(I8254ChannelTest, mode2_new_count_waits_for_period_end) {
    control(0x34);
    count(4);
    wave(2);
    count(3);
    EXPECT_EQ(status() & 0x40, 0x40) << "null count while the old one runs";
    EXPECT_EQ(wave(9), "101101101");
    EXPECT_EQ(status() & 0x40, 0);
}

TEST_F(I8254ChannelTest, mode2_gate_low_forces_high_and_rising_restarts) {
    control(0x34);
    count(4);
    wave(4);
    EXPECT_FALSE(channel.output());
    gate(false);
    EXPECT_TRUE(channel.output());
    EXPECT_EQ(wave(6), "111111");
    gate(true);
    EXPECT_EQ(wave(5), "11101");
}

TEST_F(I8254ChannelTest, mode3_halves_and_odd_counts) {
    control(0x36);
    count(4);
    EXPECT_EQ(wave(9), "110011001");
    control(0x36);
    count(5);
    EXPECT_EQ(wave(11), "11100111001");
}

TEST_F(I8254ChannelTest, mode3_counts_by_twos) {
    control(0x36);
    count(10);
    wave(1);
    EXPECT_EQ(read(), 10);
    wave(1);
    EXPECT_EQ(read(), 8);
    wave(4);
    EXPECT_EQ(read(), 10);
}

TEST_F(I8254ChannelTest, mode3_new_count_waits_for_half_end) {
    control(0x36);
    count(8);
    wave(2);
    count(4);
    EXPECT_EQ(wave(8), "11001100");
}

TEST_F(I8254ChannelTest, mode4_strobes_once) {
    control(0x38);
    count(3);
    EXPECT_EQ(wave(8), "11101111");
}

TEST_F(I8254ChannelTest, mode5_strobes_after_trigger) {
    gate(false);
    control(0x3a);
    count(3);
    EXPECT_EQ(wave(6), "111111");
    gate(true);
    EXPECT_EQ(wave(6), "111011");
}

TEST_F(I8254ChannelTest, bcd_counts_in_decimal) {
    control(0x31);
    count(0x0100);
    wave(2);
    EXPECT_EQ(read(), 0x0099);
    wave(100);
    EXPECT_EQ(read(), 0x9999);
}

TEST_F(I8254ChannelTest, count_of_zero_is_the_largest) {
    control(0x34);
    count(0);
    wave(1);
    EXPECT_EQ(read(), 0);
    wave(1);
    EXPECT_EQ(read(), 0xffff);
    EXPECT_EQ(channel.next_rise() - now, 0xffff);
}

TEST_F(I8254ChannelTest, latch_holds_until_read) {
    control(0x34);
    count(0x1234);
    wave(2);
    channel.latch_count(now);
    wave(5);
    channel.latch_count(now);  // ignored: the first is not read yet
    EXPECT_EQ(channel.read(now), 0x33);
    EXPECT_EQ(channel.read(now), 0x12);
    EXPECT_EQ(channel.read(now), 0x2e);
    EXPECT_EQ(channel.read(now), 0x12);
}

TEST_F(I8254ChannelTest, status_comes_before_count_and_names_mode) {
    control(0x36);
    EXPECT_EQ(status(), 0x80 | 0x40 | 0x36);
    count(100);
    wave(1);
    channel.latch_count(now);
    channel.latch_status(now);
    EXPECT_EQ(channel.read(now), 0x80 | 0x36);
    EXPECT_EQ(channel.read(now), 100);
}

TEST_F(I8254ChannelTest, long_jump_reports_a_rise_and_keeps_phase) {
    control(0x34);
    count(1000);
    now += 1 + 1000 * 5000;
    EXPECT_EQ(channel.advance(now), 5000);
    EXPECT_EQ(channel.advance(now), 0);
    EXPECT_EQ(channel.next_rise(), now + 1000);
}

TEST_F(I8254ChannelTest, long_jump_at_a_rate_that_no_clock_has_reports_one_rise) {
    control(0x34);
    count(100);
    now += 1 + 100 * 5000;
    EXPECT_EQ(channel.advance(now), 1);
}

TEST_F(I8254ChannelTest, illegal_count_of_one_has_no_edges) {
    for (uint8_t mode : {0x34, 0x36}) {
        control(mode);
        count(1);
        EXPECT_EQ(wave(5), "11111");
        EXPECT_EQ(channel.next_rise(), I8254Channel::kNever);
    }
}

class I8254Test : public ::testing::Test {
 protected:
    I8254Test() {
        pit.output().connect([this](bool level) { edges += level; });
    }
    void program(uint8_t control, uint16_t count) {
        machine.out(0x43, control);
        machine.out(static_cast<uint16_t>(0x40 + (control >> 6)), static_cast<uint8_t>(count));
        machine.out(static_cast<uint16_t>(0x40 + (control >> 6)), static_cast<uint8_t>(count >> 8));
    }
    FakeMachine machine;
    I8254 pit{machine.context};
    int edges = 0;
};

TEST_F(I8254Test, late_main_loop_passes_all_ticks_on_up_to_a_bound) {
    program(0x34, 11932);
    machine.advance_ns(20'000'000);
    int before = edges;
    machine.set_virtual_clock_ns(machine.now_ns() + 70'000'000);
    machine.in(0x40);
    EXPECT_EQ(edges - before, 7);
    before = edges;
    machine.set_virtual_clock_ns(machine.now_ns() + 3600 * kNsPerSecond);
    machine.in(0x40);
    EXPECT_EQ(edges - before, 64);
}

TEST_F(I8254Test, rate_generator_interrupts_at_its_rate) {
    program(0x34, 11932);
    const int before = edges;
    machine.advance_ns(kNsPerSecond);
    EXPECT_NEAR(edges - before, 100, 1);
}

TEST_F(I8254Test, reading_counter_does_not_lose_edges) {
    program(0x34, 11932);
    const int before = edges;
    for (int i = 0; i < 1000; ++i) {
        machine.advance_ns(kNsPerSecond / 1000);
        (void)machine.in(0x40);
    }
    EXPECT_NEAR(edges - before, 100, 1);
}

TEST_F(I8254Test, fastest_rate_is_bounded) {
    program(0x34, 2);
    const int before = edges;
    machine.advance_ns(kNsPerSecond / 100);
    EXPECT_LE(edges - before, 501);
    EXPECT_GE(edges - before, 400);
}

TEST_F(I8254Test, read_back_latches_chosen_counters) {
    program(0x74, 500);
    program(0xb0, 300);
    machine.advance_ns(100'000);
    machine.out(0x43, 0xcc);  // status and count of counters 1 and 2
    EXPECT_EQ(machine.in(0x41), 0x80 | 0x34);
    machine.advance_ns(100'000);
    const unsigned low = machine.in(0x41);
    EXPECT_EQ(low | machine.in(0x41) << 8, 500u - 118u);
    EXPECT_EQ(machine.in(0x42) & 0x3f, 0x30);
}

TEST_F(I8254Test, channel2_gate_and_output) {
    program(0xb0, 1193);
    EXPECT_FALSE(pit.channel2_output());
    machine.advance_ns(2'000'000);
    EXPECT_FALSE(pit.channel2_output()) << "the gate is low after reset";
    pit.set_channel2_gate(true);
    machine.advance_ns(2'000'000);
    EXPECT_TRUE(pit.channel2_output());
}

struct PitSubject final : state::ConformanceSubject {
    state::StateComponent& component() override { return *pit.state_components()[0]; }
    void exercise(unsigned seed) override {
        std::mt19937 random(seed);
        for (int i = 0; i < 500; ++i) {
            const auto port = static_cast<uint16_t>(0x40 + random() % 4);
            const auto value = static_cast<uint8_t>(random());
            switch (random() % 4) {
                case 0: (void)machine.in(port); break;
                case 1: pit.set_channel2_gate(value & 1); break;
                default: machine.out(port, value); break;
            }
            machine.advance_ns(random() % 300'000);
        }
    }
    FakeMachine machine;
    I8254 pit{machine.context};
};

TEST(I8254State, conformance) {
    state::check_conformance([] { return std::make_unique<PitSubject>(); }, "i8254.hex");
}

TEST(I8254State, loaded_timer_goes_on_at_the_same_phase) {
    PitSubject source;
    source.machine.out(0x43, 0x34);
    source.machine.out(0x40, 0x00);
    source.machine.out(0x40, 0x10);
    source.machine.advance_ns(1'000'000);
    auto bytes = source.component().save_state();
    ASSERT_TRUE(bytes);

    PitSubject target;
    target.exercise(3);
    target.machine.advance_ns(1'000'000'000);
    auto staged = target.component().stage_state(1, *bytes);
    ASSERT_TRUE(staged);
    ASSERT_TRUE((*staged)->commit());
    EXPECT_EQ(target.machine.context.virtual_timers.next_deadline_ns(),
              source.machine.context.virtual_timers.next_deadline_ns());
}

}  // namespace
}  // namespace qc::hw
