// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/piix4_pm.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "hw/pci/pci_bus.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint16_t kBase = 0x600;
constexpr int64_t kHalfTimerNs = 2'343'484'494;  // 2^23 ticks of 3.579545 MHz

struct Fixture {
    explicit Fixture(const AcpiSleepStates& states = {}) : sleeps(states) {
        EXPECT_TRUE(bus.plug(pm, {1, 3}));
        pm.reset();
        pm.config_write(0x40, 4, kBase | 1);
        pm.config_write(0x80, 1, 1);
    }
    void out16(uint16_t port, uint16_t value) {
        machine.context.io.rebuild();
        machine.context.io.store(memory::PhysAddr(port), 2, value);
    }
    uint32_t in(uint16_t port, unsigned size) {
        machine.context.io.rebuild();
        return static_cast<uint32_t>(machine.context.io.load(memory::PhysAddr(port), size));
    }

    FakeMachine machine;
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    AcpiSleepStates sleeps;
    Piix4Pm pm{machine.context, machine, sleeps};
};

TEST(Piix4Pm, registers_appear_where_firmware_puts_them) {
    Fixture f;
    EXPECT_EQ(f.in(kBase + 4, 2), 0u);
    f.pm.config_write(0x80, 1, 0);
    EXPECT_EQ(f.in(kBase + 4, 2), 0xffffu);
}

TEST(Piix4Pm, firmware_sees_that_smm_is_set_up) {
    Fixture f;
    EXPECT_EQ(f.pm.config_read(0x5b, 1), 2u);
}

TEST(Piix4Pm, timer_counts_3579545_ticks_a_second_in_24_bits) {
    Fixture f;
    uint32_t before = f.in(kBase + 8, 4);
    f.machine.advance_ns(1'000'000'000);
    EXPECT_EQ(f.in(kBase + 8, 4) - before, 3579545u);
    f.machine.advance_ns(10'000'000'000);
    EXPECT_EQ(f.in(kBase + 8, 4) >> 24, 0u);
}

TEST(Piix4Pm, timer_overflow_raises_sci_only_if_enabled) {
    Fixture f;
    f.out16(kBase + 4, pm1::kSciEnable);
    f.machine.advance_ns(kHalfTimerNs + 1);
    EXPECT_EQ(f.in(kBase, 2), pm1::kTimerOverflow);
    EXPECT_FALSE(f.pm.sci().level());
    f.out16(kBase + 2, pm1::kTimerOverflow);
    EXPECT_TRUE(f.pm.sci().level());
    f.out16(kBase, pm1::kTimerOverflow);
    EXPECT_FALSE(f.pm.sci().level());
    f.machine.advance_ns(kHalfTimerNs);
    EXPECT_TRUE(f.pm.sci().level()) << "by the timer, without any access";
}

TEST(Piix4Pm, soft_off_asks_for_shutdown) {
    Fixture f;
    f.out16(kBase + 4, 5u << pm1::kSleepTypeShift | pm1::kSleepEnable);
    EXPECT_EQ(f.machine.shutdowns, 0) << "type 5 is the working state";
    f.out16(kBase + 4, pm1::kSleepEnable);
    EXPECT_EQ(f.machine.shutdowns, 1);
    EXPECT_EQ(f.in(kBase + 4, 2) & pm1::kSleepEnable, 0u) << "reads as zero";
}

TEST(Piix4Pm, power_button_raises_sci) {
    Fixture f;
    f.machine.out(0xb2, 0xf1);
    f.out16(kBase + 2, pm1::kPowerButton);
    f.pm.press_power_button();
    EXPECT_TRUE(f.pm.sci().level());
    f.machine.out(0xb2, 0xf0);
    EXPECT_FALSE(f.pm.sci().level()) << "legacy mode has no SCI";
}

constexpr uint16_t kSleepToMemory = 1u << pm1::kSleepTypeShift | pm1::kSleepEnable;
constexpr uint16_t kSleepToDisk = 2u << pm1::kSleepTypeShift | pm1::kSleepEnable;

TEST(Piix4Pm, sleep_type_1_asks_for_a_sleep_that_a_reset_ends) {
    Fixture f;
    f.out16(kBase + 4, kSleepToMemory);
    EXPECT_EQ(f.machine.sleeps, std::vector{SleepKind::kToMemory});
    EXPECT_TRUE(f.pm.asleep());
    EXPECT_FALSE(f.pm.wakes());
    f.pm.reset();
    EXPECT_FALSE(f.pm.asleep());
}

TEST(Piix4Pm, sleep_type_2_asks_for_a_sleep_on_disk) {
    Fixture f;
    f.out16(kBase + 4, kSleepToDisk);
    EXPECT_EQ(f.machine.sleeps, std::vector{SleepKind::kToDisk});
    EXPECT_FALSE(f.pm.asleep());
}

TEST(Piix4Pm, sleeping_states_that_are_disabled_do_nothing) {
    Fixture f({.s3 = false, .s4 = false});
    f.out16(kBase + 4, kSleepToMemory);
    f.out16(kBase + 4, kSleepToDisk);
    EXPECT_TRUE(f.machine.sleeps.empty());
    EXPECT_FALSE(f.pm.asleep());
}

TEST(Piix4Pm, clock_alarm_wakes_only_if_it_is_enabled) {
    Fixture f;
    f.out16(kBase + 4, kSleepToMemory);
    f.pm.note_rtc_alarm();
    EXPECT_EQ(f.machine.wake_ups, 0);
    f.pm.reset();
    f.pm.config_write(0x40, 4, kBase | 1);
    f.pm.config_write(0x80, 1, 1);
    f.out16(kBase + 2, pm1::kRtc);
    f.pm.note_rtc_alarm();
    EXPECT_EQ(f.machine.wake_ups, 0) << "nobody sleeps";
    f.out16(kBase, pm1::kRtc);
    f.out16(kBase + 4, kSleepToMemory);
    f.pm.note_rtc_alarm();
    EXPECT_GT(f.machine.wake_ups, 0);
    EXPECT_TRUE(f.pm.wakes());
}

TEST(Piix4Pm, event_that_came_before_the_sleep_ends_it_at_once) {
    Fixture f;
    f.out16(kBase + 2, pm1::kRtc);
    f.pm.note_rtc_alarm();
    f.out16(kBase + 4, kSleepToMemory);
    EXPECT_TRUE(f.pm.wakes());
    EXPECT_GT(f.machine.wake_ups, 0);
}

TEST(Piix4Pm, timer_wakes_without_any_access) {
    Fixture f;
    f.out16(kBase + 2, pm1::kTimerOverflow);
    f.out16(kBase + 4, kSleepToMemory);
    f.machine.advance_ns(kHalfTimerNs + 1);
    EXPECT_TRUE(f.pm.wakes());
    EXPECT_EQ(f.machine.wake_ups, 1);
}

TEST(Piix4Pm, waking_leaves_what_did_it_in_the_status) {
    Fixture f;
    f.out16(kBase + 2, pm1::kPowerButton);
    f.out16(kBase + 4, kSleepToMemory);
    f.pm.press_power_button();
    EXPECT_TRUE(f.pm.wakes());
    f.pm.reset_after_sleep();
    EXPECT_FALSE(f.pm.asleep());
    f.pm.config_write(0x40, 4, kBase | 1);
    f.pm.config_write(0x80, 1, 1);
    EXPECT_EQ(f.in(kBase, 2), pm1::kPowerButton | pm1::kResume);
    EXPECT_EQ(f.in(kBase + 2, 2), 0u);
}

TEST(Piix4Pm, random_accesses_keep_state_valid) {
    Fixture f;
    std::mt19937 random(3);
    for (int i = 0; i < 5000; ++i) {
        unsigned size = 1u << (random() % 3);
        auto value = static_cast<uint32_t>(random());
        switch (random() % 4) {
            case 0: f.pm.config_write(static_cast<uint8_t>(random() % 64 * 4), size, value); break;
            case 1: f.pm.io_write(random() % (64 - size), size, value); break;
            case 2: (void)f.pm.io_read(random() % (64 - size), size); break;
            case 3: f.machine.advance_ns(static_cast<int64_t>(value)); break;
        }
        ASSERT_TRUE(f.pm.validate(f.pm.save()));
    }
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.pm.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.machine.advance_ns(kHalfTimerNs * 2 + seed);
        f.out16(kBase + 2, pm1::kPowerButton);
        f.out16(kBase + 4, pm1::kSciEnable);
        f.machine.out(0xb3, static_cast<uint8_t>(seed));
        f.machine.out(0xafe2, static_cast<uint8_t>(seed));
        f.machine.out(0xae08, static_cast<uint8_t>(4 << seed % 4));
        (void)f.in(kBase, 2);
    }
};

TEST(Piix4Pm, hotplug_tells_the_guest_by_an_interrupt) {
    Fixture f;
    f.out16(kBase + 4, pm1::kSciEnable);
    f.machine.out(0xafe2, 0x02);
    int ejections = 0;
    f.pm.on_eject([&] { ++ejections; });
    EXPECT_FALSE(f.pm.sci().level());
    f.pm.plugged(3);
    EXPECT_TRUE(f.pm.sci().level());
    EXPECT_EQ(f.machine.in(0xae00), 0x08);
    f.machine.out(0xafe0, 0x02);
    EXPECT_FALSE(f.pm.sci().level());
    f.pm.ask_back(3);
    EXPECT_TRUE(f.pm.sci().level());
    f.machine.out(0xae08, 0x08);
    EXPECT_EQ(ejections, 1);
    EXPECT_EQ(f.pm.ejected(), 0x08u);
    f.pm.taken_away(3);
    EXPECT_EQ(f.pm.ejected(), 0u);
}

TEST(Piix4Pm, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "piix4_pm.hex");
}

}  // namespace
}  // namespace qc::hw
