// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/isa/piix3.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "hw/pci/fake_pci_device.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct Fixture {
    Fixture() {
        bus.set_interrupt_router(piix3);
        EXPECT_TRUE(bus.plug(piix3, {1, 0}));
        EXPECT_TRUE(bus.plug(near, {1, 2}));
        EXPECT_TRUE(bus.plug(far, {5, 0}));
        EXPECT_TRUE(bus.plug(third, {3, 0}));
    }
    bool level(unsigned irq) const { return (levels >> irq & 1) != 0; }

    FakeMachine machine;
    unsigned levels = 0;
    IsaIrqs irqs{[this](unsigned irq, bool on) {
        levels = on ? levels | 1u << irq : levels & ~(1u << irq);
    }};
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    Piix3 piix3{{machine.context, irqs, machine}};
    FakePciDevice near{machine.context};  // INTA# of devices 1 and 5 share PIRQA#
    FakePciDevice far{machine.context};
    FakePciDevice third{machine.context};  // device 3: PIRQC#
};

TEST(Piix3, unrouted_pirq_reaches_nothing) {
    Fixture f;
    f.near.set_interrupt(true);
    EXPECT_EQ(f.levels, 0u);
    EXPECT_FALSE(f.piix3.routed_to(0));
}

TEST(Piix3, devices_on_one_pirq_share_the_wire) {
    Fixture f;
    f.piix3.config_write(0x60, 1, 10);
    f.near.set_interrupt(true);
    f.far.set_interrupt(true);
    EXPECT_TRUE(f.level(10));
    f.near.set_interrupt(false);
    EXPECT_TRUE(f.level(10));
    f.far.set_interrupt(false);
    EXPECT_FALSE(f.level(10));
}

TEST(Piix3, two_pirqs_on_one_interrupt_are_ored) {
    Fixture f;
    f.piix3.config_write(0x60, 4, 0x800b800b);
    f.near.set_interrupt(true);
    f.third.set_interrupt(true);
    f.near.set_interrupt(false);
    EXPECT_TRUE(f.level(11));
    f.third.set_interrupt(false);
    EXPECT_FALSE(f.level(11));
}

TEST(Piix3, rerouting_moves_a_pending_interrupt) {
    Fixture f;
    f.piix3.config_write(0x62, 1, 5);
    f.third.set_interrupt(true);
    EXPECT_TRUE(f.level(5));
    f.piix3.config_write(0x60, 4, 0x80078080);
    EXPECT_FALSE(f.level(5));
    EXPECT_TRUE(f.level(7));
    f.piix3.config_write(0x62, 1, 0x80);
    EXPECT_EQ(f.levels, 0u);
}

TEST(Piix3, interrupt_disable_bit_keeps_the_pin_low) {
    Fixture f;
    f.piix3.config_write(0x60, 1, 10);
    f.near.set_interrupt(true);
    f.near.config_write(pci::kCommand, 2, pci::kCommandInterruptDisable);
    EXPECT_FALSE(f.level(10));
    EXPECT_EQ(f.near.config_read(pci::kStatus, 2) & pci::kStatusInterrupt, pci::kStatusInterrupt);
    f.near.config_write(pci::kCommand, 2, 0);
    EXPECT_TRUE(f.level(10));
}

TEST(Piix3, reset_control_resets_when_the_cpu_bit_is_written) {
    Fixture f;
    f.piix3.write_reset_control(0x02);
    EXPECT_EQ(f.machine.resets, 0);
    EXPECT_EQ(f.piix3.read_reset_control(), 2);
    f.piix3.write_reset_control(0x06);
    EXPECT_EQ(f.machine.resets, 1);
}

TEST(Piix3, reset_values_are_the_datasheets) {
    Fixture f;
    f.piix3.config_write(0x60, 4, 0x0a0b0a0b);
    f.piix3.reset();
    EXPECT_EQ(f.piix3.config_read(0, 4), 0x70008086u);
    EXPECT_EQ(f.piix3.config_read(4, 2), 0x0007u);
    EXPECT_EQ(f.piix3.config_read(0x60, 4), 0x80808080u);
    EXPECT_EQ(f.piix3.config_read(0x0e, 1), 0x80u);
}

TEST(Piix3, random_configuration_keeps_wires_consistent) {
    Fixture f;
    std::mt19937 random(5);
    for (int i = 0; i < 5000; ++i) {
        f.piix3.config_write(static_cast<uint8_t>(random()), 1u << (random() % 3),
                             static_cast<uint32_t>(random()));
        f.near.set_interrupt(random() % 2);
        f.third.set_interrupt(random() % 2);
        for (unsigned irq = 0; irq < kIsaIrqCount; ++irq)
            ASSERT_EQ(f.level(irq), f.piix3.drives(irq));
    }
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.piix3.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.piix3.config_write(0x60, 4, 0x0b0a0b00 + seed);
        f.piix3.write_reset_control(0x02);
    }
};

TEST(Piix3, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "piix3.hex");
}

}  // namespace
}  // namespace qc::hw
