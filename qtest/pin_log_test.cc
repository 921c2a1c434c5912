// SPDX-License-Identifier: GPL-2.0-or-later
#include "qtest/pin_log.h"

#include <gtest/gtest.h>

namespace qc::qtest_server {
namespace {

class PinLogTest : public testing::Test {
 protected:
    using Changes = std::vector<PinChange>;
    int news_ = 0;
    PinLog log_{[this] { ++news_; }};
};

TEST_F(PinLogTest, only_changes_count) {
    log_.pin_moved(4, false);
    EXPECT_EQ(news_, 0);
    log_.pin_moved(4, true);
    log_.pin_moved(4, true);
    log_.pin_moved(4, false);
    EXPECT_EQ(log_.take(), (Changes{{4, true}, {4, false}}));
    EXPECT_EQ(log_.take(), Changes{});
}

TEST_F(PinLogTest, news_come_once_until_they_are_taken) {
    log_.pin_moved(1, true);
    log_.pin_moved(2, true);
    EXPECT_EQ(news_, 1);
    log_.take();
    log_.pin_moved(2, false);
    EXPECT_EQ(news_, 2);
}

TEST_F(PinLogTest, a_full_log_ends_with_the_present_levels) {
    for (size_t i = 0; i < PinLog::kMaxQueued + 1; ++i)
        log_.pin_moved(0, i % 2 == 0);
    log_.pin_moved(7, true);
    log_.pin_moved(8, true);
    log_.pin_moved(8, false);
    const Changes changes = log_.take();
    ASSERT_EQ(changes.size(), PinLog::kMaxQueued + 2);
    EXPECT_EQ(changes[PinLog::kMaxQueued], (PinChange{0, true}));
    EXPECT_EQ(changes.back(), (PinChange{7, true}));
    EXPECT_EQ(log_.take(), Changes{});
}

TEST_F(PinLogTest, forgetting_takes_all_pins_as_low) {
    log_.pin_moved(3, true);
    log_.forget();
    EXPECT_EQ(log_.take(), Changes{});
    log_.pin_moved(3, false);
    EXPECT_EQ(log_.take(), Changes{});
    log_.pin_moved(3, true);
    EXPECT_EQ(log_.take(), (Changes{{3, true}}));
}

TEST_F(PinLogTest, a_pin_beyond_the_protocol_is_not_told) {
    log_.pin_moved(256, true);
    EXPECT_EQ(log_.take(), Changes{});
}

}  // namespace
}  // namespace qc::qtest_server
