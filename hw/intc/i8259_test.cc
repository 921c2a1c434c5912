// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/i8259.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint8_t kMasterBase = 0x08;
constexpr uint8_t kSlaveBase = 0x70;

// As a PC's firmware sets the pair up: edges, cascade, everything unmasked.
void initialise(I8259Pair& pair, uint8_t master_icw4 = 0x01, uint8_t slave_icw4 = 0x01) {
    for (unsigned chip = 0; chip < 2; ++chip) {
        pair.write(chip, 0, 0x11);
        pair.write(chip, 1, chip == 0 ? kMasterBase : kSlaveBase);
        pair.write(chip, 1, chip == 0 ? 0x04 : 0x02);
        pair.write(chip, 1, chip == 0 ? master_icw4 : slave_icw4);
        pair.write(chip, 1, 0x00);
    }
}

void pulse(I8259Pair& pair, unsigned irq) {
    pair.set_irq(irq, true);
    pair.set_irq(irq, false);
}

class I8259PairTest : public ::testing::Test {
 protected:
    I8259PairTest() { initialise(pair); }
    uint8_t in_service(unsigned chip) {
        pair.write(chip, 0, 0x0b);
        return pair.read(chip, 0);
    }
    uint8_t requests(unsigned chip) {
        pair.write(chip, 0, 0x0a);
        return pair.read(chip, 0);
    }
    I8259Pair pair;
};

TEST_F(I8259PairTest, edge_on_master_gives_vector_and_in_service) {
    pair.set_irq(1, true);
    EXPECT_TRUE(pair.output());
    EXPECT_EQ(requests(0), 0x02);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 1);
    EXPECT_FALSE(pair.output());
    EXPECT_EQ(requests(0), 0x00);
    EXPECT_EQ(in_service(0), 0x02);
    pair.write(0, 0, 0x20);
    EXPECT_EQ(in_service(0), 0x00);
    EXPECT_FALSE(pair.output()) << "a line that stays high is no new edge";
}

TEST_F(I8259PairTest, slave_interrupt_passes_cascade) {
    pulse(pair, 12);
    EXPECT_EQ(requests(0), 0x04);
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 4);
    EXPECT_EQ(in_service(0), 0x04);
    EXPECT_EQ(in_service(1), 0x10);
    pair.write(1, 0, 0x20);
    pair.write(0, 0, 0x20);
    EXPECT_EQ(in_service(0) | in_service(1), 0);
}

TEST_F(I8259PairTest, second_slave_request_is_delivered_after_eoi) {
    pulse(pair, 8);
    pulse(pair, 14);
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 0);
    EXPECT_FALSE(pair.output());
    pair.write(1, 0, 0x20);
    pair.write(0, 0, 0x20);
    EXPECT_TRUE(pair.output());
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 6);
}

TEST_F(I8259PairTest, auto_eoi_slave_with_two_requests_makes_second_edge) {
    initialise(pair, 0x03, 0x03);
    pulse(pair, 9);
    pulse(pair, 10);
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 1);
    EXPECT_TRUE(pair.output());
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 2);
    EXPECT_FALSE(pair.output());
}

TEST_F(I8259PairTest, higher_priority_interrupts_lower_and_not_vice_versa) {
    pulse(pair, 4);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 4);
    pulse(pair, 6);
    EXPECT_FALSE(pair.output());
    pulse(pair, 0);
    EXPECT_TRUE(pair.output());
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 0);
    pair.write(0, 0, 0x20);
    EXPECT_EQ(in_service(0), 0x10) << "non-specific EOI ends the highest";
    pair.write(0, 0, 0x64);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 6);
}

TEST_F(I8259PairTest, mask_holds_edge_back_until_unmasked) {
    pair.write(0, 1, 0xff);
    pulse(pair, 3);
    EXPECT_FALSE(pair.output());
    EXPECT_EQ(pair.read(0, 1), 0xff);
    pair.write(0, 1, 0x00);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 3);
}

TEST_F(I8259PairTest, request_gone_before_acknowledge_is_spurious) {
    pulse(pair, 3);
    pair.write(0, 1, 0x08);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 7);
    EXPECT_EQ(in_service(0), 0x00);
}

TEST_F(I8259PairTest, slave_request_gone_before_acknowledge_is_irq15) {
    pair.set_elcr(1, 0x08);
    pair.set_irq(11, true);
    pair.chip(1).set_line(3, false);  // between the master's and the slave's look at it
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 7);
    EXPECT_EQ(in_service(0), 0x04);
    EXPECT_EQ(in_service(1), 0x00);
}

TEST_F(I8259PairTest, level_pin_asks_again_after_eoi_while_high) {
    pair.set_elcr(1, 0x08);
    pair.set_irq(11, true);
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 3);
    pair.write(1, 0, 0x20);
    pair.write(0, 0, 0x20);
    EXPECT_TRUE(pair.output());
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 3);
    pair.set_irq(11, false);
    pair.write(1, 0, 0x20);
    pair.write(0, 0, 0x20);
    EXPECT_EQ(requests(1), 0);
}

TEST_F(I8259PairTest, elcr_keeps_board_interrupts_on_edges) {
    pair.set_elcr(0, 0xff);
    pair.set_elcr(1, 0xff);
    EXPECT_EQ(pair.elcr(0), 0xf8);
    EXPECT_EQ(pair.elcr(1), 0xde);
}

TEST_F(I8259PairTest, poll_returns_pin_and_takes_it_in_service) {
    pair.write(0, 0, 0x0c);
    EXPECT_EQ(pair.read(0, 0), 0x00);
    pulse(pair, 5);
    pair.write(0, 0, 0x0c);
    EXPECT_EQ(pair.read(0, 0), 0x85);
    EXPECT_EQ(in_service(0), 0x20);
}

TEST_F(I8259PairTest, rotate_on_eoi_makes_served_pin_lowest) {
    pulse(pair, 4);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 4);
    pair.write(0, 0, 0xa0);
    pulse(pair, 4);
    pulse(pair, 5);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 5);
}

TEST_F(I8259PairTest, set_priority_chooses_lowest_pin) {
    pair.write(0, 0, 0xc3);
    pulse(pair, 0);
    pulse(pair, 4);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 4);
}

TEST_F(I8259PairTest, rotate_in_auto_eoi_mode_turns_priorities) {
    initialise(pair, 0x03);
    pair.write(0, 0, 0x80);
    pulse(pair, 0);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 0);
    pulse(pair, 0);
    pulse(pair, 7);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 7);
}

TEST_F(I8259PairTest, special_mask_mode_lets_lower_priorities_through) {
    pulse(pair, 1);
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 1);
    pulse(pair, 6);
    EXPECT_FALSE(pair.output());
    pair.write(0, 0, 0x68);
    pair.write(0, 1, 0x02);
    EXPECT_TRUE(pair.output());
    EXPECT_EQ(pair.acknowledge(), kMasterBase + 6);
    pair.write(0, 0, 0x20);
    EXPECT_EQ(in_service(0), 0x02) << "a masked bit is not ended by a non-specific EOI";
}

TEST_F(I8259PairTest, special_fully_nested_lets_slave_interrupt_itself) {
    pulse(pair, 13);
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 5);
    pulse(pair, 8);
    EXPECT_FALSE(pair.output());
    initialise(pair, 0x11);
    pulse(pair, 13);
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 5);
    pulse(pair, 8);
    EXPECT_TRUE(pair.output());
    EXPECT_EQ(pair.acknowledge(), kSlaveBase + 0);
}

TEST_F(I8259PairTest, icw1_clears_requests_and_mask) {
    pair.write(0, 1, 0x55);
    pulse(pair, 0);
    pair.write(0, 0, 0x13);  // single, with ICW4
    EXPECT_FALSE(pair.output());
    pair.write(0, 1, 0x40);
    pair.write(0, 1, 0x01);
    EXPECT_EQ(pair.read(0, 1), 0x00);
    EXPECT_FALSE(pair.output());
    pulse(pair, 6);
    EXPECT_EQ(pair.acknowledge(), 0x46);
}

TEST(I8259, ports_and_output_reach_pair) {
    FakeMachine machine;
    I8259 pic(machine.context);
    bool level = false;
    pic.output().connect([&](bool now) { level = now; });
    for (auto [port, value] : {std::pair<uint16_t, uint8_t>{0x20, 0x11},
                               {0x21, 0x08},
                               {0x21, 0x04},
                               {0x21, 0x01},
                               {0xa0, 0x11},
                               {0xa1, 0x70},
                               {0xa1, 0x02},
                               {0xa1, 0x01}}) {
        machine.out(port, value);
    }
    machine.out(0xa1, 0xef);
    EXPECT_EQ(machine.in(0xa1), 0xef);
    machine.out(0x4d1, 0x10);
    EXPECT_EQ(machine.in(0x4d1), 0x10);
    pic.set_irq(12, true);
    EXPECT_TRUE(level);
    EXPECT_EQ(pic.acknowledge(), 0x74);
    EXPECT_FALSE(level);
    machine.out(0xa0, 0x20);
    machine.out(0x20, 0x20);
    EXPECT_TRUE(level);
    pic.reset();
    EXPECT_FALSE(level);
    EXPECT_EQ(machine.in(0x4d1), 0x00);
}

TEST(I8259, ticks_that_merged_come_after_the_first_is_taken) {
    FakeMachine machine;
    I8259 pic(machine.context);
    for (auto [port, value] : {std::pair<uint16_t, uint8_t>{0x20, 0x11},
                               {0x21, 0x08},
                               {0x21, 0x04},
                               {0x21, 0x01},
                               {0x21, 0x00}}) {
        machine.out(port, value);
    }
    for (int i = 0; i < 3; ++i) {
        pic.set_irq(0, true);
        pic.set_irq(0, false);
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(pic.output().level()) << i;
        EXPECT_EQ(pic.acknowledge(), 0x08);
        machine.out(0x20, 0x20);
    }
    EXPECT_FALSE(pic.output().level());
    // What is owed is part of the master's state.
    for (int i = 0; i < 3; ++i) {
        pic.set_irq(0, true);
        pic.set_irq(0, false);
    }
    state::StateComponent& master = *pic.state_components()[0];
    const std::vector<std::byte> owing = *master.save_state();
    pic.reset();
    ASSERT_TRUE((*master.stage_state(master.state_id().version, owing))->commit());
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(pic.output().level()) << i;
        EXPECT_EQ(pic.acknowledge(), 0x08);
        machine.out(0x20, 0x20);
    }
    EXPECT_FALSE(pic.output().level());
    // Masked, they are lost but for the one that is latched.
    machine.out(0x21, 0x01);
    for (int i = 0; i < 3; ++i) {
        pic.set_irq(0, true);
        pic.set_irq(0, false);
    }
    machine.out(0x21, 0x00);
    EXPECT_EQ(pic.acknowledge(), 0x08);
    machine.out(0x20, 0x20);
    EXPECT_FALSE(pic.output().level());
}

struct PicSubject final : state::ConformanceSubject {
    explicit PicSubject(unsigned chip) : chip_(chip) {}
    state::StateComponent& component() override { return *pic.state_components()[chip_]; }
    void exercise(unsigned seed) override {
        std::mt19937 random(seed);
        for (int i = 0; i < 2000; ++i) {
            constexpr uint16_t kPorts[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
            const uint16_t port = kPorts[random() % 6];
            const auto value = static_cast<uint8_t>(random());
            switch (random() % 4) {
                case 0: machine.out(port, value); break;
                case 1: (void)machine.in(port); break;
                case 2: pic.set_irq(value % 17, value >= 128); break;
                case 3: (void)pic.acknowledge(); break;
            }
        }
    }
    FakeMachine machine;
    I8259 pic{machine.context};
    unsigned chip_;
};

TEST(I8259State, master_conformance) {
    state::check_conformance([] { return std::make_unique<PicSubject>(0); }, "i8259_master.hex");
}

TEST(I8259State, slave_conformance) {
    state::check_conformance([] { return std::make_unique<PicSubject>(1); }, "i8259_slave.hex");
}

}  // namespace
}  // namespace qc::hw
