// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/output_gate.h"

#include <gtest/gtest.h>

#include "runstate/fake_output.h"

namespace qc::runstate {
namespace {

using Words = std::vector<int>;

TEST(OutputGate, what_comes_while_closed_is_heard_when_it_opens) {
    OutputGate gate;
    FakeOutput output;
    gate.add(output);
    output.say(1);
    gate.close();
    output.say(2);
    output.say(3);
    EXPECT_EQ(output.heard(), Words({1}));
    EXPECT_TRUE(gate.closed());
    gate.open();
    output.say(4);
    EXPECT_EQ(output.heard(), Words({1, 2, 3, 4}));
}

TEST(OutputGate, closing_or_opening_twice_tells_once) {
    OutputGate gate;
    FakeOutput output;
    gate.add(output);
    gate.open();
    gate.close();
    gate.close();
    gate.open();
    gate.open();
    EXPECT_EQ(output.closings(), 1);
    EXPECT_EQ(output.openings(), 1);
}

TEST(OutputGate, output_added_while_closed_holds_at_once) {
    OutputGate gate;
    gate.close();
    FakeOutput output;
    gate.add(output);
    output.say(1);
    EXPECT_TRUE(output.heard().empty());
    gate.open();
    EXPECT_EQ(output.heard(), Words({1}));
}

TEST(OutputGate, removed_output_hears_nothing_more) {
    OutputGate gate;
    FakeOutput output;
    gate.add(output);
    gate.remove(output);
    gate.close();
    EXPECT_EQ(output.closings(), 0);
}

}  // namespace
}  // namespace qc::runstate
