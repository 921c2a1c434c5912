// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/compare_policy.h"

#include <gtest/gtest.h>

namespace qc::migration::colo {
namespace {

class ComparePolicyTest : public testing::Test {
 protected:
    // One checkpoint of a thousand pages: so many are equal, and so many differ in a few
    // places only, as a guest of that kind would show it to each comparison.
    void checkpoint(uint64_t equal, uint64_t slightly) {
        ComparePolicy::Outcome outcome{.compare = policy.next(), .compared = 1000};
        if (outcome.compare != Compare::kNothing) outcome.equal = equal;
        if (outcome.compare == Compare::kPieces) {
            outcome.patched = slightly;
            outcome.pieces = slightly;
        }
        policy.learn(outcome);
    }
    // How many of the next hundred checkpoints compare so.
    int share(Compare compare, uint64_t equal, uint64_t slightly) {
        int count = 0;
        for (int i = 0; i < 100; ++i) {
            count += policy.next() == compare;
            checkpoint(equal, slightly);
        }
        return count;
    }
    ComparePolicy policy;
};

TEST_F(ComparePolicyTest, equal_pages_are_compared_as_pages) {
    EXPECT_EQ(policy.next(), Compare::kPages);
    EXPECT_EQ(share(Compare::kPages, 1000, 0), 100);
}

TEST_F(ComparePolicyTest, pages_that_differ_in_places_are_compared_in_pieces_at_once) {
    checkpoint(0, 1000);
    EXPECT_EQ(policy.next(), Compare::kPieces);
    EXPECT_EQ(share(Compare::kPieces, 0, 1000), 100);
}

TEST_F(ComparePolicyTest, pages_that_differ_altogether_are_not_compared_but_tried_now_and_then) {
    const int nothing = share(Compare::kNothing, 0, 0);
    EXPECT_GT(nothing, 85);
    EXPECT_LT(nothing, 100);
}

TEST_F(ComparePolicyTest, guest_that_changes_its_ways_is_noticed) {
    share(Compare::kNothing, 0, 0);
    share(Compare::kNothing, 0, 1000);
    EXPECT_EQ(policy.next(), Compare::kPieces);
    share(Compare::kPieces, 1000, 0);
    EXPECT_EQ(policy.next(), Compare::kPages);
}

TEST_F(ComparePolicyTest, few_pages_teach_nothing) {
    policy.learn({.compare = Compare::kPages, .compared = ComparePolicy::kFewPages - 1});
    EXPECT_EQ(policy.next(), Compare::kPages);
}

}  // namespace
}  // namespace qc::migration::colo
