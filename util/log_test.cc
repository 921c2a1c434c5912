// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/log.h"

#include <gtest/gtest.h>

namespace qc {
namespace {

class LogTest : public testing::Test {
 protected:
    void SetUp() override { testing::internal::CaptureStderr(); }
    static std::string captured() { return testing::internal::GetCapturedStderr(); }
};

TEST_F(LogTest, warning_has_program_and_level) {
    warn_report("disk {} is full", 3);
    EXPECT_EQ(captured(), "util_test: warning: disk 3 is full\n");
}

TEST_F(LogTest, info_has_its_level) {
    info_report("waiting");
    EXPECT_EQ(captured(), "util_test: info: waiting\n");
}

TEST_F(LogTest, error_has_none) {
    error_report("no");
    EXPECT_EQ(captured(), "util_test: no\n");
}

TEST_F(LogTest, hint_has_its_own_line) {
    Error error("bad size");
    error.set_hint("Write it as 1M.");
    error_report(error);
    EXPECT_EQ(captured(), "util_test: bad size\nWrite it as 1M.\n");
}

}  // namespace
}  // namespace qc
