// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/input/ps2_mouse.h"

#include <gtest/gtest.h>

#include <vector>

namespace qc::hw {
namespace {

using Bytes = std::vector<uint8_t>;

class Ps2MouseTest : public ::testing::Test {
 protected:
    Bytes send(Bytes bytes) {
        Bytes answers;
        for (uint8_t byte : bytes) {
            mouse.write(byte);
            for (uint8_t answer : drain())
                answers.push_back(answer);
        }
        return answers;
    }
    Bytes drain() {
        Bytes bytes;
        while (mouse.has_data())
            bytes.push_back(mouse.take());
        return bytes;
    }
    Ps2Mouse mouse;
};

TEST_F(Ps2MouseTest, reset_and_id) {
    EXPECT_EQ(send({0xff}), Bytes({0xfa, 0xaa, 0x00}));
    EXPECT_EQ(send({0xf2}), Bytes({0xfa, 0x00}));
}

TEST_F(Ps2MouseTest, reports_only_when_enabled) {
    mouse.move(5, 3, 0);
    EXPECT_TRUE(drain().empty());
    send({0xff, 0xf4});
    mouse.move(5, -3, 0);
    EXPECT_EQ(drain(), Bytes({0x28, 5, 0xfd}));
    mouse.set_buttons(1);
    EXPECT_EQ(drain(), Bytes({0x09, 0, 0}));
}

TEST_F(Ps2MouseTest, long_movement_is_split) {
    send({0xf4});
    mouse.move(300, 0, 0);
    EXPECT_EQ(drain(), Bytes({0x08, 127, 0, 0x08, 127, 0, 0x08, 46, 0}));
}

TEST_F(Ps2MouseTest, movement_while_buffer_is_full_is_kept) {
    send({0xf4});
    mouse.move(127 * 20, 0, 0);
    int total = 0;
    const Bytes bytes = drain();
    for (size_t i = 1; i < bytes.size(); i += 3)
        total += bytes[i];
    EXPECT_EQ(total, 127 * 20);
}

TEST_F(Ps2MouseTest, wheel_after_the_knock) {
    EXPECT_EQ(send({0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf2}).back(), 3);
    send({0xf4});
    mouse.move(1, 0, -2);
    EXPECT_EQ(drain(), Bytes({0x08, 1, 0, 0xfe}));
}

TEST_F(Ps2MouseTest, five_buttons_after_the_other_knock) {
    EXPECT_EQ(send({0xf3, 200, 0xf3, 200, 0xf3, 80, 0xf2}).back(), 4);
    send({0xf4});
    mouse.set_buttons(0x18);
    EXPECT_EQ(drain(), Bytes({0x08, 0, 0, 0x30}));
}

TEST_F(Ps2MouseTest, status_shows_settings) {
    send({0xe7, 0xe8, 3, 0xf3, 40, 0xf4});
    mouse.set_buttons(0x02);
    drain();
    EXPECT_EQ(send({0xe9}), Bytes({0xfa, 0x31, 3, 40}));
}

TEST_F(Ps2MouseTest, scaling_stretches_in_stream_mode) {
    send({0xe7, 0xf4});
    mouse.move(5, 10, 0);
    EXPECT_EQ(drain(), Bytes({0x08, 9, 20}));
}

TEST_F(Ps2MouseTest, remote_mode_reports_on_request) {
    send({0xf0, 0xf4});
    mouse.move(7, 0, 0);
    EXPECT_TRUE(drain().empty());
    EXPECT_EQ(send({0xeb}), Bytes({0xfa, 0x08, 7, 0}));
}

TEST_F(Ps2MouseTest, wrap_mode_echoes_until_ended) {
    send({0xee});
    EXPECT_EQ(send({0xf2, 0x12}), Bytes({0xf2, 0x12}));
    EXPECT_EQ(send({0xec}), Bytes({0xfa}));
    EXPECT_EQ(send({0xf2}), Bytes({0xfa, 0x00}));
}

TEST_F(Ps2MouseTest, huge_movement_does_not_overflow) {
    for (int i = 0; i < 10'000; ++i)
        mouse.move(INT32_MAX, INT32_MIN, INT32_MAX);
    EXPECT_TRUE(Ps2Mouse::validate(mouse.state()));
}

}  // namespace
}  // namespace qc::hw
