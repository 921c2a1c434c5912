// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/isa/ich9_lpc.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "hw/pci/fake_pci_device.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint16_t kPmBase = 0x600;
constexpr uint32_t kRcba = 0xfed1c000;

struct Fixture {
    Fixture() {
        bus.set_interrupt_router(lpc);
        EXPECT_TRUE(bus.plug(lpc, {31, 0}));
        EXPECT_TRUE(bus.plug(own, {31, 2}));
        EXPECT_TRUE(bus.plug(card, {3, 0}));
        lpc.reset();
        lpc.config_write(0x40, 4, kPmBase | 1);
        lpc.config_write(0x44, 1, 0x80);
        lpc.config_write(0xf0, 4, kRcba | 1);
    }
    void out(uint16_t port, uint32_t value, unsigned size) {
        machine.context.io.store(memory::PhysAddr(port), size, value);
    }
    uint32_t in(uint16_t port, unsigned size) {
        return static_cast<uint32_t>(machine.context.io.load(memory::PhysAddr(port), size));
    }
    uint32_t chipset(uint32_t offset, unsigned size = 4) {
        return machine.load(kRcba + offset, size);
    }
    // The wires that are high: the I/O APIC's pins from 16 on in the upper half.
    unsigned wires() const { return isa | pins << 16; }

    FakeMachine machine;
    unsigned isa = 0, pins = 0;
    IsaIrqs irqs{
        [this](unsigned irq, bool on) { isa = on ? isa | 1u << irq : isa & ~(1u << irq); }};
    IsaIrqs pirqs{
        [this](unsigned irq, bool on) { pins = on ? pins | 1u << irq : pins & ~(1u << irq); }, 1};
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    Ich9Lpc lpc{{machine.context, machine.memory_root(), irqs, pirqs, machine}};
    FakePciDevice own{machine.context};
    FakePciDevice card{machine.context};
};

TEST(Ich9Lpc, own_devices_go_where_their_route_register_says) {
    Fixture f;
    f.own.set_interrupt(true);
    EXPECT_EQ(f.wires(), 1u << 16) << "INTA# of device 31 is PIRQA#";
    f.machine.store(kRcba + 0x3140, 0x3217, 2);
    EXPECT_EQ(f.wires(), 1u << 23);
    f.own.set_interrupt(false);
    EXPECT_EQ(f.wires(), 0u);
}

TEST(Ich9Lpc, other_devices_rotate_over_pirq_e_to_h) {
    Fixture f;
    f.card.set_interrupt(true);
    EXPECT_EQ(f.wires(), 1u << (20 + 3));
    f.machine.store(kRcba + 0x3150, 0, 2);
    EXPECT_EQ(f.wires(), 1u << 23);
}

TEST(Ich9Lpc, pirq_reaches_the_isa_interrupt_that_it_is_routed_to) {
    Fixture f;
    f.lpc.config_write(0x60, 1, 10);
    f.lpc.config_write(0x6b, 1, 10);
    f.own.set_interrupt(true);
    f.card.set_interrupt(true);
    EXPECT_EQ(f.wires(), 1u << 10 | 1u << 16 | 1u << 23);
    f.own.set_interrupt(false);
    EXPECT_EQ(f.wires(), 1u << 10 | 1u << 23);
    f.lpc.config_write(0x6b, 1, 0x8a);
    EXPECT_EQ(f.wires(), 1u << 23);
}

TEST(Ich9Lpc, sleeping_guest_is_woken_by_the_clock_and_finds_what_did_it) {
    Fixture f;
    f.out(kPmBase + 2, pm1::kRtc, 2);
    f.out(kPmBase + 4, 1u << pm1::kSleepTypeShift | pm1::kSleepEnable, 2);
    EXPECT_EQ(f.machine.sleeps, std::vector{SleepKind::kToMemory});
    EXPECT_TRUE(f.lpc.asleep());
    EXPECT_EQ(f.machine.wake_ups, 0);
    f.lpc.note_rtc_alarm();
    EXPECT_TRUE(f.lpc.wakes());
    EXPECT_GT(f.machine.wake_ups, 0);
    f.lpc.reset_after_sleep();
    EXPECT_FALSE(f.lpc.asleep());
    EXPECT_EQ(f.in(kPmBase, 2), static_cast<uint32_t>(pm1::kRtc | pm1::kResume));
    EXPECT_EQ(f.in(kPmBase + 4, 2) & 1, 0u) << "the firmware enables ACPI again";
}

TEST(Ich9Lpc, power_button_raises_the_sci_where_it_is_selected) {
    Fixture f;
    f.out(kPmBase + 2, pm1::kPowerButton, 2);
    f.lpc.press_power_button();
    EXPECT_EQ(f.wires(), 0u) << "ACPI is not enabled yet";
    f.out(0xb2, 0x02, 1);
    EXPECT_EQ(f.wires(), 1u << 9);
    f.lpc.config_write(0x44, 1, 0x85);
    EXPECT_EQ(f.wires(), 1u << 21);
    f.lpc.config_write(0x44, 1, 0x82);
    EXPECT_EQ(f.wires(), 1u << 11);
    f.out(kPmBase, pm1::kPowerButton, 2);
    EXPECT_EQ(f.wires(), 0u);
    f.out(0xb2, 0x03, 1);
    EXPECT_EQ(f.in(kPmBase + 4, 2) & 1, 0u);
}

TEST(Ich9Lpc, soft_off_shuts_down_and_reset_control_resets) {
    Fixture f;
    f.out(kPmBase + 4, pm1::kSleepEnable, 2);
    EXPECT_EQ(f.machine.shutdowns, 1);
    f.lpc.write_reset_control(0x02);
    EXPECT_EQ(f.machine.resets, 0);
    f.lpc.write_reset_control(0x06);
    EXPECT_EQ(f.machine.resets, 1);
    EXPECT_EQ(f.lpc.read_reset_control(), 0x02);
}

TEST(Ich9Lpc, power_management_block_is_as_firmware_expects_it) {
    Fixture f;
    EXPECT_EQ(f.in(kPmBase + 0x30, 4), 0x20u) << "system management mode is set up";
    f.out(kPmBase + 0x30, 0, 4);
    EXPECT_EQ(f.in(kPmBase + 0x30, 4), 0x20u);
    f.out(kPmBase + 0x28, 0x8001, 4);
    EXPECT_EQ(f.in(kPmBase + 0x28, 8 / 2), 0x8001u);
    EXPECT_EQ(f.in(kPmBase + 0x20, 4), 0u);
    const uint32_t before = f.in(kPmBase + 8, 4);
    f.machine.advance_ns(1'000'000'000);
    EXPECT_EQ(f.in(kPmBase + 8, 4) - before, 3579545u);
    f.lpc.config_write(0x44, 1, 0);
    EXPECT_EQ(f.in(kPmBase + 8, 4), 0xffffffffu);
}

TEST(Ich9Lpc, timer_overflow_raises_the_sci_in_time) {
    Fixture f;
    f.out(0xb2, 0x02, 1);
    f.out(kPmBase + 2, pm1::kTimerOverflow, 2);
    f.machine.advance_ns(2'343'000'000);
    EXPECT_EQ(f.wires(), 0u);
    f.machine.advance_ns(1'000'000);
    EXPECT_EQ(f.wires(), 1u << 9);
}

TEST(Ich9Lpc, watchdog_resets_the_machine_unless_told_not_to) {
    Fixture f;
    f.out(kPmBase + 0x60, 1, 2);
    f.machine.advance_ns(4'790'000'000);
    EXPECT_EQ(f.machine.resets, 0);
    EXPECT_EQ(f.in(kPmBase + 0x64, 2), 8u) << "it expired once";
    f.machine.advance_ns(20'000'000);
    EXPECT_EQ(f.machine.resets, 1);
    f.machine.store(kRcba + 0x3410, 0x20);
    f.out(kPmBase + 0x60, 1, 2);
    f.machine.advance_ns(10'000'000'000);
    EXPECT_EQ(f.machine.resets, 1);
    EXPECT_EQ(f.in(kPmBase + 0x66, 2), 6u);
}

TEST(Ich9Lpc, chipset_registers_move_and_lock) {
    Fixture f;
    EXPECT_EQ(f.chipset(0x3140), 0x3210u) << "D30IR is fixed";
    EXPECT_EQ(f.chipset(0x3144), 0x32103210u);
    EXPECT_EQ(f.chipset(0x3141, 1), 0x32u);
    EXPECT_EQ(f.chipset(0), 0u);
    f.machine.store(kRcba + 0x3410, 0xffffffff);
    EXPECT_EQ(f.chipset(0x3410), 0xcf6u);
    f.lpc.config_write(0xf0, 4, 0);
    EXPECT_EQ(f.chipset(0x3140), 0xffffffffu);
    f.lpc.config_write(0xa0, 1, 0x10);
    f.lpc.config_write(0xa0, 1, 0x00);
    EXPECT_EQ(f.lpc.config_read(0xa0, 1), 0x10u) << "SMI_LOCK stays";
    f.lpc.reset();
    EXPECT_EQ(f.lpc.config_read(0xa0, 1), 0x00u);
}

TEST(Ich9Lpc, random_accesses_lead_to_loadable_states) {
    Fixture source, target;
    std::mt19937 random(23);
    for (int i = 0; i < 8000; ++i) {
        const auto value = static_cast<uint32_t>(random());
        const unsigned size = 1u << (random() % 3);
        switch (random() % 5) {
            case 0:
                source.lpc.config_write(static_cast<uint8_t>(random() % (256 / size) * size), size,
                                        value);
                break;
            case 1: source.out(static_cast<uint16_t>(kPmBase + random() % 124), value, size); break;
            case 2: source.machine.store(kRcba + 0x3100 + random() % 0x400, value, size); break;
            case 3: source.own.set_interrupt(value & 1); break;
            case 4: source.out(0xb2, value & 3, 1); break;
        }
        if (i % 100 == 0) {
            source.lpc.config_write(0x40, 4, kPmBase | 1);
            source.lpc.config_write(0x44, 1, 0x80);
            source.lpc.config_write(0xf0, 4, kRcba | 1);
            auto valid = target.lpc.validate(source.lpc.save());
            ASSERT_TRUE(valid) << valid.error().message();
            target.lpc.restore(source.lpc.save());
            target.irqs.restore(source.irqs.save());
            target.pirqs.restore(source.pirqs.save());
            ASSERT_EQ(target.wires(), source.wires());
        }
    }
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.lpc.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.lpc.config_write(0x60, 4, 0x0b0a0b80 + seed);
        f.out(kPmBase + 2, 0x0100, 2);
        f.out(kPmBase + 0x2c, seed, 4);
        f.out(0xb2, 0x02, 1);
        f.machine.store(kRcba + 0x3148, 0x3200 + (seed & 7), 2);
    }
};

TEST(Ich9Lpc, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "ICH9LPC.hex");
}

}  // namespace
}  // namespace qc::hw
