// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/input/i8042.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

struct Controller {
    void command(uint8_t value) { machine.out(0x64, value); }
    void data(uint8_t value) { machine.out(0x60, value); }
    bool full() { return machine.in(0x64) & 0x01; }
    bool from_mouse() { return machine.in(0x64) & 0x20; }
    uint8_t answer(uint8_t to_command) {
        command(to_command);
        EXPECT_TRUE(full());
        return machine.in(0x60);
    }
    // All that comes within a while, as a polling driver sees it.
    std::vector<uint8_t> drain() {
        std::vector<uint8_t> bytes;
        for (int i = 0; i < 20; ++i) {
            machine.advance_ns(kMillisecond);
            if (full()) bytes.push_back(machine.in(0x60));
        }
        return bytes;
    }

    FakeMachine machine;
    bool a20 = false;
    A20Gate gate{[this](bool enabled) { a20 = enabled; }};
    I8042 device{machine.context, {machine, gate}};
};

using Bytes = std::vector<uint8_t>;

class I8042Test : public ::testing::Test, protected Controller {
 protected:
    I8042Test() {
        device.keyboard_irq().connect([this](bool level) { irq1 += level; });
        device.mouse_irq().connect([this](bool level) { irq12 += level; });
    }
    void set_command_byte(uint8_t value) {
        command(0x60);
        data(value);
    }
    int irq1 = 0;
    int irq12 = 0;
};

TEST_F(I8042Test, self_test_and_interface_tests) {
    EXPECT_EQ(machine.in(0x64) & 0x04, 0);
    EXPECT_EQ(answer(0xaa), 0x55);
    EXPECT_EQ(machine.in(0x64) & 0x04, 0x04);
    EXPECT_EQ(answer(0xab), 0x00);
    EXPECT_EQ(answer(0xa9), 0x00);
    EXPECT_EQ(answer(0xa4), 0xf1);
    EXPECT_EQ(answer(0xc0), 0x80);
}

TEST_F(I8042Test, command_byte_and_ram_read_back) {
    set_command_byte(0x65);
    EXPECT_EQ(answer(0x20), 0x65);
    command(0x75);
    data(0xab);
    EXPECT_EQ(answer(0x35), 0xab);
    command(0xad);
    EXPECT_EQ(answer(0x20), 0x75);
    command(0xa7);
    EXPECT_EQ(answer(0x20), 0x75 | 0x20);
    command(0xa8);
    command(0xae);
    EXPECT_EQ(answer(0x20), 0x45);
}

TEST_F(I8042Test, status_tells_command_from_data) {
    command(0xae);
    EXPECT_EQ(machine.in(0x64) & 0x08, 0x08);
    data(0xf4);
    EXPECT_EQ(machine.in(0x64) & 0x08, 0x00);
}

TEST_F(I8042Test, keyboard_commands_pass_through) {
    data(0xff);
    EXPECT_FALSE(full()) << "the wire takes its time";
    EXPECT_EQ(drain(), Bytes({0xfa, 0xaa}));
}

TEST_F(I8042Test, translation_makes_set1) {
    set_command_byte(0x41);
    device.key(0xc8, true);
    device.key(0xc8, false);
    EXPECT_EQ(drain(), Bytes({0xe0, 0x48, 0xe0, 0xc8}));
    set_command_byte(0x01);
    device.key(0x1e, true);
    device.key(0x1e, false);
    EXPECT_EQ(drain(), Bytes({0x1c, 0xf0, 0x1c}));
}

TEST_F(I8042Test, each_byte_is_a_new_edge) {
    set_command_byte(0x41);
    device.key(0x1e, true);
    device.key(0x1e, false);
    EXPECT_EQ(irq1, 1);
    EXPECT_EQ(machine.in(0x60), 0x1e);
    EXPECT_EQ(machine.in(0x60), 0x1e) << "a second read at once sees the same byte";
    EXPECT_EQ(irq1, 1);
    machine.advance_ns(kMillisecond);
    EXPECT_EQ(irq1, 2);
    EXPECT_EQ(machine.in(0x60), 0x9e);
    EXPECT_EQ(irq12, 0);
}

TEST_F(I8042Test, waiting_answer_makes_an_edge_after_read) {
    set_command_byte(0x41);
    device.key(0x1e, true);
    command(0x20);
    EXPECT_EQ(irq1, 1);
    EXPECT_EQ(machine.in(0x60), 0x1e);
    EXPECT_EQ(irq1, 2);
    EXPECT_EQ(machine.in(0x60), 0x41);
}

TEST_F(I8042Test, disabled_keyboard_keeps_its_bytes) {
    command(0xad);
    device.key(0x1e, true);
    EXPECT_TRUE(drain().empty());
    command(0xae);
    EXPECT_EQ(drain().size(), 1u);
}

TEST_F(I8042Test, mouse_bytes_come_marked_and_on_irq12) {
    set_command_byte(0x47);
    command(0xd4);
    data(0xf4);
    machine.advance_ns(kMillisecond);
    EXPECT_TRUE(from_mouse());
    EXPECT_EQ(irq12, 1);
    EXPECT_EQ(machine.in(0x60), 0xfa);
    device.move_mouse(1, 2, 0);
    device.set_mouse_buttons(1);
    EXPECT_EQ(drain(), Bytes({0x08, 1, 2, 0x09, 0, 0}));
    EXPECT_EQ(irq1, 0);
}

TEST_F(I8042Test, interrupts_can_be_disabled) {
    set_command_byte(0x40);
    device.key(0x1e, true);
    machine.advance_ns(kMillisecond);
    EXPECT_TRUE(full());
    EXPECT_EQ(irq1, 0);
}

TEST_F(I8042Test, loopback_commands_fill_buffer) {
    command(0xd2);
    data(0x77);
    EXPECT_TRUE(full());
    EXPECT_FALSE(from_mouse());
    EXPECT_EQ(machine.in(0x60), 0x77);
    command(0xd3);
    data(0x78);
    EXPECT_TRUE(from_mouse());
    EXPECT_EQ(machine.in(0x60), 0x78);
}

TEST_F(I8042Test, output_port_drives_a20) {
    EXPECT_TRUE(a20);
    command(0xd1);
    data(0xdd);
    EXPECT_FALSE(a20);
    EXPECT_EQ(answer(0xd0) & 0x03, 0x01);
    command(0xdf);
    EXPECT_TRUE(a20);
    command(0xdd);
    EXPECT_FALSE(a20);
    device.reset();
    EXPECT_TRUE(a20);
}

TEST_F(I8042Test, pulse_and_output_port_reset_the_machine) {
    command(0xfe);
    EXPECT_EQ(machine.resets, 1);
    command(0xff);
    EXPECT_EQ(machine.resets, 1);
    command(0xd1);
    data(0x02);
    EXPECT_EQ(machine.resets, 2);
}

struct ControllerSubject final : state::ConformanceSubject, Controller {
    state::StateComponent& component() override { return *device.state_components()[0]; }
    void exercise(unsigned seed) override {
        std::mt19937 random(seed);
        for (int i = 0; i < 2000; ++i) {
            const auto value = static_cast<uint8_t>(random());
            switch (random() % 7) {
                case 0: command(value); break;
                case 1: data(value); break;
                case 2: (void)machine.in(0x60); break;
                case 3: (void)machine.in(0x64); break;
                case 4: device.key(value, random() % 2); break;
                case 5: device.move_mouse(value, -value, value % 3); break;
                case 6: device.set_mouse_buttons(value); break;
            }
            machine.advance_ns(random() % kMillisecond);
        }
        command(0x60);
        data(0x47);
        data(0xf4);
        device.key(0x1e, true);
        device.key(0xc8, true);
        command(0xd4);
        data(0xff);
    }
};

TEST(I8042State, conformance) {
    state::check_conformance([] { return std::make_unique<ControllerSubject>(); }, "pckbd.hex");
}

}  // namespace
}  // namespace qc::hw
