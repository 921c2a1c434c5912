// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/a20_gate.h"

#include <gtest/gtest.h>

#include <vector>

namespace qc::hw {
namespace {

TEST(A20Gate, either_source_keeps_line_alive) {
    std::vector<bool> told;
    A20Gate gate([&](bool enabled) { told.push_back(enabled); });
    gate.set(A20Gate::Source::kPort92, true);
    gate.set(A20Gate::Source::kKeyboardController, false);
    EXPECT_TRUE(gate.enabled());
    gate.set(A20Gate::Source::kPort92, false);
    EXPECT_EQ(told, (std::vector<bool>{true, false}));
}

TEST(A20Gate, restore_tells_unchanged_level) {
    int calls = 0;
    A20Gate gate([&](bool) { ++calls; });
    gate.restore(A20Gate::Source::kKeyboardController, true);
    EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace qc::hw
