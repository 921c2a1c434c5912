// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/dma/i8237.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct Fixture {
    FakeMachine machine;
    I8237Pair dma{machine.context};
};

TEST(I8237, address_is_written_and_read_low_byte_first) {
    Fixture f;
    f.machine.out(0x0c, 0);
    f.machine.out(0x04, 0x34);
    f.machine.out(0x04, 0x12);
    f.machine.out(0x0c, 0);
    EXPECT_EQ(f.machine.in(0x04), 0x34);
    EXPECT_EQ(f.machine.in(0x04), 0x12);
    EXPECT_EQ(f.dma.save().controllers[0].channels[2].base_address, 0x1234);
}

TEST(I8237, flip_flop_is_shared_by_all_channels) {
    Fixture f;
    f.machine.out(0x00, 0x11);
    f.machine.out(0x03, 0x22);
    EXPECT_EQ(f.dma.save().controllers[0].channels[1].count, 0x2200);
}

TEST(I8237, second_controller_has_its_registers_two_ports_apart) {
    Fixture f;
    f.machine.out(0xd4, 0x02);  // unmask channel 2
    EXPECT_EQ(f.machine.in(0xde), 0xfb);
    EXPECT_EQ(f.machine.in(0x0f), 0xff) << "the first is as after reset";
}

TEST(I8237, mask_commands_set_clear_and_write_all) {
    Fixture f;
    f.machine.out(0x0e, 0);
    EXPECT_EQ(f.machine.in(0x0f), 0xf0);
    f.machine.out(0x0a, 0x05);
    EXPECT_EQ(f.machine.in(0x0f), 0xf2);
    f.machine.out(0x0f, 0xf9);
    EXPECT_EQ(f.machine.in(0x0f), 0xf9);
}

TEST(I8237, master_clear_masks_and_keeps_addresses) {
    Fixture f;
    f.machine.out(0x00, 0x55);
    f.machine.out(0x00, 0x66);
    f.machine.out(0x0e, 0);
    f.machine.out(0x0d, 0);
    EXPECT_EQ(f.machine.in(0x0f), 0xff);
    EXPECT_EQ(f.dma.save().controllers[0].channels[0].address, 0x6655);
}

TEST(I8237, page_registers_hold_what_is_written) {
    Fixture f;
    f.machine.out(0x80, 0xa5);
    f.machine.out(0x81, 0x3c);
    EXPECT_EQ(f.machine.in(0x80), 0xa5);
    EXPECT_EQ(f.machine.in(0x81), 0x3c);
}

TEST(I8237, random_accesses_keep_state_valid) {
    Fixture f;
    std::mt19937 random(4);
    for (int i = 0; i < 5000; ++i) {
        unsigned port = random() % 3 == 0 ? random() % 16 : 0xc0 + random() % 32;
        f.machine.out(static_cast<uint16_t>(port), static_cast<uint8_t>(random()));
        (void)f.machine.in(static_cast<uint16_t>(0x80 + random() % 16));
        ASSERT_TRUE(f.dma.validate(f.dma.save()));
    }
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.dma.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.machine.out(0x02, static_cast<uint8_t>(seed));
        f.machine.out(0xd6, 0xc0);
        f.machine.out(0xd4, 0x00);
        f.machine.out(0x83, static_cast<uint8_t>(0x40 + seed));
    }
};

TEST(I8237, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "i8237.hex");
}

}  // namespace
}  // namespace qc::hw
