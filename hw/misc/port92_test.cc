// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/port92.h"

#include <gtest/gtest.h>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct Port92Subject final : state::ConformanceSubject {
    Port92Subject() { gate.set(A20Gate::Source::kKeyboardController, false); }
    state::StateComponent& component() override { return *device.state_components()[0]; }
    void exercise(unsigned seed) override { machine.out(0x92, seed == 1 ? 0x02 : 0x40); }
    FakeMachine machine;
    bool a20 = true;
    A20Gate gate{[this](bool enabled) { a20 = enabled; }};
    Port92 device{machine.context, {machine, gate}};
};

TEST(Port92, bit1_drives_a20) {
    Port92Subject s;
    EXPECT_FALSE(s.a20);
    s.machine.out(0x92, 0x02);
    EXPECT_TRUE(s.a20);
    EXPECT_EQ(s.machine.in(0x92), 0x02);
    s.device.reset();
    EXPECT_FALSE(s.a20);
}

TEST(Port92, rising_bit0_resets_once) {
    Port92Subject s;
    s.machine.out(0x92, 0x03);
    s.machine.out(0x92, 0x03);
    EXPECT_EQ(s.machine.resets, 1);
    s.machine.out(0x92, 0x02);
    s.machine.out(0x92, 0x03);
    EXPECT_EQ(s.machine.resets, 2);
}

TEST(Port92, loading_sets_a20) {
    Port92Subject source;
    source.exercise(1);
    auto bytes = source.component().save_state();
    ASSERT_TRUE(bytes);
    Port92Subject target;
    auto staged = target.component().stage_state(1, *bytes);
    ASSERT_TRUE(staged);
    EXPECT_FALSE(target.a20);
    ASSERT_TRUE((*staged)->commit());
    EXPECT_TRUE(target.a20);
}

TEST(Port92State, conformance) {
    state::check_conformance([] { return std::make_unique<Port92Subject>(); }, "port92.hex");
}

}  // namespace
}  // namespace qc::hw
