// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/out_of_memory.h"

#include <gtest/gtest.h>

#include <new>

namespace qc {
namespace {

TEST(OutOfMemoryDeathTest, failed_allocation_ends_with_1_and_says_so) {
    EXPECT_EXIT(
        {
            end_when_out_of_memory();
            std::get_new_handler()();
        },
        ::testing::ExitedWithCode(1), ": out of memory\n$");
}

}  // namespace
}  // namespace qc
