// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/checked.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace qc {
namespace {

TEST(Checked, overflow_is_nothing) {
    EXPECT_EQ(checked_add<uint8_t>(200, 55), 255);
    EXPECT_EQ(checked_add<uint8_t>(200, 56), std::nullopt);
    EXPECT_EQ(checked_mul<int32_t>(65536, 32767), 2147418112);
    EXPECT_EQ(checked_mul<int32_t>(65536, 32768), std::nullopt);
}

TEST(RangeFits, end_is_exclusive_and_never_wraps) {
    EXPECT_TRUE(range_fits<uint64_t>(4, 4, 8));
    EXPECT_FALSE(range_fits<uint64_t>(4, 5, 8));
    EXPECT_TRUE(range_fits<uint64_t>(8, 0, 8));
    EXPECT_FALSE(range_fits<uint64_t>(9, 0, 8));
    EXPECT_FALSE(range_fits<uint64_t>(4, UINT64_MAX, 8));
}

}  // namespace
}  // namespace qc
