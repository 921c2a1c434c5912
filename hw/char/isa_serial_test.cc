// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/char/isa_serial.h"

#include <gtest/gtest.h>

#include <random>

#include "chardev/fake_chardev.h"
#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint16_t kBase = 0x3f8;

class IsaSerialTest : public ::testing::Test {
 protected:
    IsaSerialTest() { machine.out(kBase + 4, 0x0b); }
    FakeMachine machine;
    chardev::FakeChardev host;
    IsaSerial serial{{.index = 0, .port = kBase}, machine.context, host.claim()};
};

TEST_F(IsaSerialTest, written_bytes_reach_host_at_once) {
    for (char c : std::string_view("hello")) {
        ASSERT_EQ(machine.in(kBase + 5) & 0x60, 0x60);
        machine.out(kBase, static_cast<uint8_t>(c));
    }
    EXPECT_EQ(host.output, "hello");
}

TEST_F(IsaSerialTest, full_host_keeps_transmitter_busy_until_writable) {
    host.room = 1;
    machine.out(kBase, 'a');
    machine.out(kBase, 'b');
    EXPECT_EQ(host.output, "a");
    EXPECT_EQ(machine.in(kBase + 5) & 0x60, 0x00);
    machine.out(kBase + 1, 0x02);
    EXPECT_FALSE(serial.irq().level());
    host.make_room(10);
    EXPECT_EQ(host.output, "ab");
    EXPECT_EQ(machine.in(kBase + 5) & 0x60, 0x60);
    EXPECT_TRUE(serial.irq().level());
}

TEST_F(IsaSerialTest, input_waits_for_room_and_is_asked_for) {
    EXPECT_EQ(host.type("xy"), 1u);
    EXPECT_EQ(host.type("y"), 0u);
    EXPECT_EQ(host.input_requests, 0);
    EXPECT_EQ(machine.in(kBase), 'x');
    EXPECT_EQ(host.input_requests, 1);
    EXPECT_EQ(host.type("y"), 1u);
    EXPECT_EQ(machine.in(kBase), 'y');
}

TEST_F(IsaSerialTest, timeout_interrupts_after_four_characters) {
    machine.out(kBase + 2, 0xc1);
    machine.out(kBase + 1, 0x01);
    host.type("ab");
    EXPECT_FALSE(serial.irq().level());
    machine.advance_ns(10'000'000);
    EXPECT_TRUE(serial.irq().level());
    EXPECT_EQ(machine.in(kBase + 2), 0xcc);
}

TEST_F(IsaSerialTest, host_break_is_received) {
    host.send_break();
    EXPECT_EQ(machine.in(kBase + 5), 0x71);
}

TEST_F(IsaSerialTest, loaded_output_is_sent_when_vm_runs) {
    host.room = 0;
    machine.out(kBase, 'q');
    auto bytes = serial.state_components()[0]->save_state();
    ASSERT_TRUE(bytes);

    FakeMachine other;
    chardev::FakeChardev other_host;
    IsaSerial target({.index = 0, .port = kBase}, other.context, other_host.claim());
    auto staged = target.state_components()[0]->stage_state(1, *bytes);
    ASSERT_TRUE(staged);
    ASSERT_TRUE((*staged)->commit());
    EXPECT_EQ(other_host.output, "");
    other.advance_ns(1);
    EXPECT_EQ(other_host.output, "q");
}

TEST(IsaSerial, without_back_end_output_vanishes) {
    FakeMachine machine;
    IsaSerial serial({.index = 1, .port = 0x2f8}, machine.context, {});
    machine.out(0x2f8, 'x');
    EXPECT_EQ(machine.in(0x2f8 + 5), 0x60);
    EXPECT_EQ(IsaSerial::standard_location(1).irq, 3);
}

struct SerialSubject final : state::ConformanceSubject {
    state::StateComponent& component() override { return *serial.state_components()[0]; }
    void exercise(unsigned seed) override {
        std::mt19937 random(seed);
        for (int i = 0; i < 2000; ++i) {
            const auto port = static_cast<uint16_t>(kBase + random() % 8);
            const auto value = static_cast<uint8_t>(random());
            host.room = random() % 4;
            switch (random() % 5) {
                case 0: (void)machine.in(port); break;
                case 1: host.type("some text from the host"); break;
                case 2: host.send_break(); break;
                default: machine.out(port, value); break;
            }
            machine.advance_ns(random() % 1'000'000);
        }
        machine.out(kBase + 4, 0x0b);
        machine.out(kBase + 2, 0x41);
        host.room = 0;
        machine.out(kBase, static_cast<uint8_t>(seed));
        host.type("abc");
    }
    FakeMachine machine;
    chardev::FakeChardev host;
    IsaSerial serial{{.index = 0, .port = kBase}, machine.context, host.claim()};
};

TEST(IsaSerialState, conformance) {
    state::check_conformance([] { return std::make_unique<SerialSubject>(); }, "serial.hex");
}

}  // namespace
}  // namespace qc::hw
