// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/char/debugcon.h"

#include <gtest/gtest.h>

#include "chardev/fake_chardev.h"
#include "hw/core/fake_machine.h"

namespace qc::hw {
namespace {

TEST(Debugcon, prints_and_identifies_itself) {
    FakeMachine machine;
    chardev::FakeChardev host;
    Debugcon device({.iobase = 0x402}, machine.context, host.claim());
    EXPECT_EQ(machine.in(0x402), 0xe9);
    machine.out(0x402, 'h');
    machine.out(0x402, 'i');
    EXPECT_EQ(host.output, "hi");
}

TEST(Debugcon, full_back_end_loses_output_and_nothing_else) {
    FakeMachine machine;
    chardev::FakeChardev host;
    host.room = 1;
    Debugcon device({}, machine.context, host.claim());
    machine.out(0xe9, 'a');
    machine.out(0xe9, 'b');
    host.room = 1;
    machine.out(0xe9, 'c');
    EXPECT_EQ(host.output, "ac");
}

}  // namespace
}  // namespace qc::hw
