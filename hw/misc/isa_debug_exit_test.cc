// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/isa_debug_exit.h"

#include <gtest/gtest.h>

#include "hw/core/fake_machine.h"

namespace qc::hw {
namespace {

TEST(IsaDebugExit, written_value_becomes_status) {
    FakeMachine machine;
    IsaDebugExit device({}, machine.context, machine);
    EXPECT_EQ(machine.in(0x501), 0);
    EXPECT_EQ(machine.exit_status, -1);
    machine.out(0x501, 0x31);
    EXPECT_EQ(machine.exit_status, 0x63);
}

TEST(IsaDebugExit, base_is_configurable) {
    FakeMachine machine;
    IsaDebugExit device({.iobase = 0xf4, .iosize = 4}, machine.context, machine);
    machine.out(0x501, 1);
    EXPECT_EQ(machine.exit_status, -1);
    machine.out(0xf4, 0x10);
    EXPECT_EQ(machine.exit_status, 0x21);
}

}  // namespace
}  // namespace qc::hw
