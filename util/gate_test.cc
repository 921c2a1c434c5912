// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <utility>

#include "util/thread.h"

namespace qc {
namespace {

TEST(Gate, closed_gate_lets_nobody_in) {
    Gate gate;
    EXPECT_TRUE(gate.enter());
    gate.begin_close();
    EXPECT_TRUE(gate.is_closing());
    EXPECT_FALSE(gate.enter());
    gate.close();
    gate.close();
}

TEST(Gate, moved_pass_leaves_once) {
    Gate gate;
    {
        std::optional<Gate::Pass> first = gate.enter();
        Gate::Pass second = std::move(*first);
        Gate::Pass third = *gate.enter();
        third = std::move(second);
    }
    gate.close();
}

TEST(Gate, close_waits_for_the_last_pass) {
    Gate gate;
    std::atomic<bool> left{false};
    std::optional<Gate::Pass> pass = gate.enter();
    Thread worker("worker", [&] {
        while (!gate.is_closing()) {
        }
        left.store(true);
        pass.reset();
    });
    gate.close();
    EXPECT_TRUE(left.load());
    worker.join();
}

TEST(GateDeathTest, open_gate_may_not_be_destroyed) {
    EXPECT_DEATH({ Gate gate; }, "assertion failed");
}

}  // namespace
}  // namespace qc
