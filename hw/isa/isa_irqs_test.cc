// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/isa/isa_irqs.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "state/conformance.h"

namespace qc::hw {
namespace {

struct Fixture {
    std::vector<std::pair<unsigned, bool>> told;
    IsaIrqs irqs{[this](unsigned irq, bool level) { told.emplace_back(irq, level); }};
    IrqLine first;
    IrqLine second;
};

TEST(IsaIrqs, wire_is_high_while_any_line_is) {
    Fixture f;
    f.irqs.connect(9, f.first);
    f.irqs.connect(9, f.second);
    f.first.set(true);
    f.second.set(true);
    f.first.set(false);
    EXPECT_EQ(f.told, (std::vector<std::pair<unsigned, bool>>{{9, true}}));
    f.second.set(false);
    EXPECT_EQ(f.told.back(), (std::pair<unsigned, bool>{9, false}));
}

TEST(IsaIrqs, muted_lines_are_not_heard_and_drivers_are) {
    struct Steady final : IsaIrqs::Driver {
        bool drives(unsigned irq) const override { return on && irq == 9; }
        bool on = false;
    } driver;
    Fixture f;
    f.irqs.connect(9, f.first);
    f.irqs.add_driver(driver);
    f.first.set(true);
    f.irqs.mute_lines(9, true);
    f.irqs.update(9);
    EXPECT_EQ(f.told.back(), (std::pair<unsigned, bool>{9, false}));
    driver.on = true;
    f.irqs.update(9);
    EXPECT_EQ(f.told.back(), (std::pair<unsigned, bool>{9, true}));
}

TEST(IsaIrqs, restore_tells_every_level) {
    Fixture f;
    f.irqs.connect(4, f.first);
    f.irqs.restore({.levels = 0x0010});
    ASSERT_EQ(f.told.size(), kIsaIrqCount);
    for (auto [irq, level] : f.told)
        EXPECT_EQ(level, irq == 4) << irq;
    f.first.restore(true);
    f.told.clear();
    f.first.set(false);
    EXPECT_EQ(f.told, (std::vector<std::pair<unsigned, bool>>{{4, false}}));
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    Subject() {
        f.irqs.connect(3, f.first);
        f.irqs.connect(11, f.second);
    }
    state::StateComponent& component() override { return *f.irqs.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.first.set(seed == 1);
        f.second.set(true);
    }
};

TEST(IsaIrqs, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "isa-irqs.hex");
}

TEST(IsaIrqs, wires_taken_apart_ask_nobody_and_tell_nobody) {
    int told = 0;
    IsaIrqs irqs([&](unsigned, bool) { ++told; });
    auto line = std::make_unique<IrqLine>();
    irqs.connect(5, *line);
    line->set(true);
    irqs.disconnect_all();
    line.reset();
    irqs.update(5);
    EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace qc::hw
