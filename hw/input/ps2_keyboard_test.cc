// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/input/ps2_keyboard.h"

#include <gtest/gtest.h>

#include <vector>

namespace qc::hw {
namespace {

using Bytes = std::vector<uint8_t>;

class Ps2KeyboardTest : public ::testing::Test {
 protected:
    Bytes send(Bytes bytes) {
        for (uint8_t byte : bytes)
            keyboard.write(byte);
        return drain();
    }
    Bytes drain() {
        Bytes bytes;
        while (keyboard.has_data())
            bytes.push_back(keyboard.take());
        return bytes;
    }
    Ps2Keyboard keyboard;
};

TEST_F(Ps2KeyboardTest, reset_acknowledges_and_passes_test) {
    EXPECT_EQ(send({0xff}), Bytes({0xfa, 0xaa}));
}

TEST_F(Ps2KeyboardTest, identifies_itself) {
    EXPECT_EQ(send({0xf2}), Bytes({0xfa, 0xab, 0x83}));
    EXPECT_EQ(send({0xee}), Bytes({0xee}));
}

TEST_F(Ps2KeyboardTest, leds_and_typematic_take_parameters) {
    EXPECT_EQ(send({0xed}), Bytes({0xfa}));
    EXPECT_EQ(send({0x05}), Bytes({0xfa}));
    EXPECT_EQ(keyboard.state().leds, 5);
    EXPECT_EQ(send({0xf3, 0x20}).size(), 2u);
    EXPECT_EQ(keyboard.state().typematic, 0x20);
}

TEST_F(Ps2KeyboardTest, command_instead_of_parameter_is_obeyed) {
    EXPECT_EQ(send({0xed}), Bytes({0xfa}));
    EXPECT_EQ(send({0xf2}), Bytes({0xfa, 0xab, 0x83}));
    EXPECT_EQ(keyboard.state().leds, 0);
}

TEST_F(Ps2KeyboardTest, scan_set_changes_codes_and_reads_back) {
    send({0xf0, 0x03});
    EXPECT_EQ(send({0xf0}), Bytes({0xfa}));
    EXPECT_EQ(send({0x00}), Bytes({0xfa, 0x03}));
    keyboard.key(0x01, true);
    EXPECT_EQ(drain(), Bytes({0x08}));
    EXPECT_EQ(send({0xf0}), Bytes({0xfa}));
    EXPECT_EQ(send({0x09}), Bytes({0xfe}));
}

TEST_F(Ps2KeyboardTest, disabled_keyboard_loses_keys) {
    EXPECT_EQ(send({0xf5}), Bytes({0xfa}));
    keyboard.key(0x1e, true);
    EXPECT_TRUE(drain().empty());
    EXPECT_EQ(send({0xf4}), Bytes({0xfa}));
    keyboard.key(0x1e, true);
    EXPECT_EQ(drain(), Bytes({0x1c}));
}

TEST_F(Ps2KeyboardTest, full_buffer_drops_whole_keys_and_keeps_room_for_answers) {
    for (int i = 0; i < 20; ++i)
        keyboard.key(0xc8, false);
    EXPECT_EQ(send({0xee}), Bytes({0xee, 0xe0, 0xf0, 0x75, 0xe0, 0xf0, 0x75, 0xe0, 0xf0, 0x75, 0xe0,
                                   0xf0, 0x75, 0xe0, 0xf0, 0x75}));
}

TEST_F(Ps2KeyboardTest, unknown_command_asks_again_and_resend_repeats) {
    EXPECT_EQ(send({0x42}), Bytes({0xfe}));
    keyboard.key(0x1e, true);
    EXPECT_EQ(drain(), Bytes({0x1c}));
    EXPECT_EQ(send({0xfe}), Bytes({0x1c}));
}

TEST_F(Ps2KeyboardTest, answers_nobody_takes_do_not_overflow) {
    for (int i = 0; i < 100; ++i)
        keyboard.write(0xf2);
    EXPECT_LE(drain().size(), Ps2Queue::kCapacity);
}

}  // namespace
}  // namespace qc::hw
