// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/float_error.h"

#include <gtest/gtest.h>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct FloatErrorSubject final : state::ConformanceSubject {
    state::StateComponent& component() override { return *device.state_components()[0]; }
    void exercise(unsigned seed) override {
        device.set_error(true);
        if (seed == 1) machine.out(0xf0, 0);
    }
    FakeMachine machine;
    FloatError device{machine.context};
};

TEST(FloatError, error_interrupts_until_the_port_is_written) {
    FloatErrorSubject s;
    EXPECT_FALSE(s.device.set_error(true));
    EXPECT_TRUE(s.device.irq().level());
    s.machine.out(0xf0, 0);
    EXPECT_FALSE(s.device.irq().level());
    EXPECT_TRUE(s.device.set_error(true)) << "the processor goes on";
    EXPECT_FALSE(s.device.irq().level());
}

TEST(FloatError, next_error_interrupts_again) {
    FloatErrorSubject s;
    s.device.set_error(true);
    s.machine.out(0xf0, 0);
    s.device.set_error(false);
    EXPECT_FALSE(s.device.set_error(true));
    EXPECT_TRUE(s.device.irq().level());
    s.device.set_error(false);
    EXPECT_FALSE(s.device.irq().level());
}

TEST(FloatError, write_without_an_error_ignores_nothing) {
    FloatErrorSubject s;
    s.machine.out(0xf0, 0);
    EXPECT_FALSE(s.device.set_error(true));
    s.device.reset();
    EXPECT_FALSE(s.device.irq().level());
}

TEST(FloatError, impossible_state_is_refused) {
    FloatErrorSubject s;
    EXPECT_FALSE(s.device.validate({.error = false, .ignored = true}));
}

TEST(FloatError, conforms) {
    state::check_conformance([] { return std::make_unique<FloatErrorSubject>(); },
                             "float-error.hex");
}

}  // namespace
}  // namespace qc::hw
