// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/ioapic.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct FakeBus final : ApicBus {
    bool deliver(const ApicMessage& message) override {
        messages.push_back(message);
        return accepts;
    }
    bool waits(const ApicMessage& message) const override { return message.vector == waiting; }
    std::vector<ApicMessage> messages;
    bool accepts = true;
    int waiting = -1;  // a vector
};

struct IoApicFixture {
    uint32_t get(uint8_t index) {
        machine.store(IoApic::kAddress, index);
        return machine.load(IoApic::kAddress + 0x10);
    }
    void set(uint8_t index, uint32_t value) {
        machine.store(IoApic::kAddress, index);
        machine.store(IoApic::kAddress + 0x10, value);
    }
    void program(unsigned pin, uint32_t low, uint8_t destination = 0) {
        set(static_cast<uint8_t>(0x11 + 2 * pin), uint32_t{destination} << 24);
        set(static_cast<uint8_t>(0x10 + 2 * pin), low);
    }
    size_t sent() const { return bus.messages.size(); }

    FakeMachine machine;
    FakeBus bus;
    IoApic ioapic{machine.memory_root(), bus};
};

class IoApicTest : public ::testing::Test, protected IoApicFixture {};

constexpr uint32_t kLevel = 0x8000;
constexpr uint32_t kMasked = 0x10000;
constexpr uint32_t kRemoteIrr = 0x4000;

TEST_F(IoApicTest, reset_values) {
    EXPECT_EQ(get(0), 0u);
    EXPECT_EQ(get(1), 0x00170011u);
    for (uint8_t pin = 0; pin < 24; ++pin) {
        EXPECT_EQ(get(static_cast<uint8_t>(0x10 + 2 * pin)), kMasked);
    }
    EXPECT_EQ(get(0x40), 0u);
    set(0, 0xff00'0000);
    EXPECT_EQ(get(0), 0x0f00'0000u);
    EXPECT_EQ(get(2), 0x0f00'0000u);
}

TEST_F(IoApicTest, read_only_bits_stay) {
    program(5, 0xffff'ffff, 0xff);
    EXPECT_EQ(get(0x10 + 10), 0x0001'afffu);
    EXPECT_EQ(get(0x11 + 10), 0xff00'0000u);
}

TEST_F(IoApicTest, edge_sends_message_each_time) {
    program(2, 0x0930, 0x03);  // lowest priority, logical
    ioapic.set_irq(2, true);
    ASSERT_EQ(sent(), 1u);
    EXPECT_EQ(bus.messages[0], (ApicMessage{.vector = 0x30,
                                            .delivery = ApicDelivery::kLowestPriority,
                                            .destination_mode = ApicDestinationMode::kLogical,
                                            .destination = 0x03,
                                            .trigger = ApicTrigger::kEdge}));
    ioapic.set_irq(2, true);
    EXPECT_EQ(sent(), 1u);
    ioapic.set_irq(2, false);
    ioapic.set_irq(2, true);
    EXPECT_EQ(sent(), 2u);
}

TEST_F(IoApicTest, ticks_that_merged_come_as_the_processor_takes_them) {
    program(2, 0x30);
    const auto tick = [this](unsigned pin) {
        ioapic.set_irq(pin, true);
        ioapic.set_irq(pin, false);
    };
    tick(2);
    bus.waiting = 0x30;
    for (int i = 0; i < 3; ++i)
        tick(2);
    EXPECT_EQ(sent(), 4u);
    ioapic.taken(0x31);
    EXPECT_EQ(sent(), 4u) << "that was another interrupt";
    for (size_t expected : {5u, 6u, 7u, 7u}) {
        ioapic.taken(0x30);
        EXPECT_EQ(sent(), expected);
    }
    // What is owed is part of the state, and ends with a reset.
    for (int i = 0; i < 2; ++i)
        tick(2);
    const IoApicState owing = ioapic.save();
    EXPECT_EQ(owing.owed_ticks, 2);
    ioapic.reset();
    ioapic.taken(0x30);
    EXPECT_EQ(sent(), 9u);
    ioapic.restore(owing);
    for (size_t expected : {10u, 11u, 11u}) {
        ioapic.taken(0x30);
        EXPECT_EQ(sent(), expected);
    }
    IoApicState far_too_many = owing;
    far_too_many.owed_ticks = OwedTicks::kMost + 1;
    EXPECT_FALSE(ioapic.validate(far_too_many));
    // Other interrupts merge as they do on hardware.
    program(3, 0x30);
    tick(3);
    ioapic.taken(0x30);
    EXPECT_EQ(sent(), 12u);
}

TEST_F(IoApicTest, guest_that_takes_no_ticks_is_owed_only_so_many) {
    program(2, 0x30);
    bus.waiting = 0x30;
    for (int i = 0; i < 1000; ++i) {
        ioapic.set_irq(2, true);
        ioapic.set_irq(2, false);
    }
    const size_t before = sent();
    for (int i = 0; i < 1000; ++i)
        ioapic.taken(0x30);
    EXPECT_EQ(sent() - before, OwedTicks::kMost);
}

TEST_F(IoApicTest, masked_edge_is_lost) {
    program(2, 0x30 | kMasked);
    ioapic.set_irq(2, true);
    program(2, 0x30);
    EXPECT_EQ(sent(), 0u);
}

TEST_F(IoApicTest, level_waits_for_eoi_and_repeats) {
    program(11, 0x51 | kLevel);
    ioapic.set_irq(11, true);
    ASSERT_EQ(sent(), 1u);
    EXPECT_EQ(bus.messages[0].trigger, ApicTrigger::kLevel);
    EXPECT_EQ(get(0x10 + 22) & kRemoteIrr, kRemoteIrr);
    ioapic.set_irq(11, false);
    ioapic.set_irq(11, true);
    EXPECT_EQ(sent(), 1u);
    ioapic.end_of_interrupt(0x52);
    EXPECT_EQ(sent(), 1u);
    ioapic.end_of_interrupt(0x51);
    EXPECT_EQ(sent(), 2u);
    ioapic.set_irq(11, false);
    ioapic.end_of_interrupt(0x51);
    EXPECT_EQ(sent(), 2u);
    EXPECT_EQ(get(0x10 + 22) & kRemoteIrr, 0u);
}

TEST_F(IoApicTest, masked_level_is_delivered_on_unmask) {
    program(11, 0x51 | kLevel | kMasked);
    ioapic.set_irq(11, true);
    EXPECT_EQ(sent(), 0u);
    program(11, 0x51 | kLevel);
    EXPECT_EQ(sent(), 1u);
}

TEST_F(IoApicTest, edge_mode_clears_remote_irr) {
    program(11, 0x51 | kLevel);
    ioapic.set_irq(11, true);
    program(11, 0x51 | kMasked);
    program(11, 0x51 | kLevel);
    EXPECT_EQ(sent(), 2u);
}

TEST_F(IoApicTest, refused_level_is_offered_again_later) {
    bus.accepts = false;
    program(11, 0x51 | kLevel);
    ioapic.set_irq(11, true);
    EXPECT_EQ(sent(), 1u);
    EXPECT_EQ(get(0x10 + 22) & kRemoteIrr, 0u);
    bus.accepts = true;
    ioapic.end_of_interrupt(0x99);
    EXPECT_GE(sent(), 2u);
    EXPECT_EQ(get(0x10 + 22) & kRemoteIrr, kRemoteIrr);
}

TEST_F(IoApicTest, nmi_has_no_level) {
    program(4, 0x0400 | kLevel);
    ioapic.set_irq(4, true);
    ASSERT_EQ(sent(), 1u);
    EXPECT_EQ(bus.messages[0].trigger, ApicTrigger::kEdge);
    EXPECT_EQ(get(0x10 + 8) & kRemoteIrr, 0u);
}

TEST_F(IoApicTest, pins_beyond_are_ignored) {
    ioapic.set_irq(24, true);
    ioapic.set_irq(1000, true);
    EXPECT_EQ(sent(), 0u);
}

struct IoApicSubject final : state::ConformanceSubject, IoApicFixture {
    state::StateComponent& component() override { return *ioapic.state_components()[0]; }
    void exercise(unsigned seed) override {
        std::mt19937 random(seed);
        for (int i = 0; i < 2000; ++i) {
            switch (random() % 4) {
                case 0: set(static_cast<uint8_t>(random() % 0x42), random()); break;
                case 1: ioapic.set_irq(random() % 24, random() % 2); break;
                case 2: ioapic.end_of_interrupt(static_cast<uint8_t>(random())); break;
                case 3: (void)get(static_cast<uint8_t>(random())); break;
            }
        }
    }
};

TEST(IoApicState, conformance) {
    state::check_conformance([] { return std::make_unique<IoApicSubject>(); }, "ioapic.hex");
}

}  // namespace
}  // namespace qc::hw
