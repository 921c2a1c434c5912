// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/terminal_mode.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/unique_fd.h"

namespace qc::chardev {
namespace {

class TerminalModeTest : public testing::Test {
 protected:
    void SetUp() override {
        master_.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (!master_ || grantpt(master_.get()) != 0 || unlockpt(master_.get()) != 0) {
            GTEST_SKIP() << "no pseudo-terminals here";
        }
        terminal_.reset(open(ptsname(master_.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
        ASSERT_TRUE(terminal_);
    }
    termios settings() const {
        termios now{};
        EXPECT_EQ(tcgetattr(terminal_.get(), &now), 0);
        return now;
    }

    UniqueFd master_, terminal_;
};

TEST_F(TerminalModeTest, raw_mode_ends_with_the_object) {
    const termios before = settings();
    {
        const auto mode = *TerminalMode::make_raw(terminal_.get(), TerminalSignals::kOff);
        ASSERT_NE(mode, nullptr);
        const termios raw = settings();
        EXPECT_EQ(raw.c_lflag & (ICANON | ECHO | ISIG), 0u);
        EXPECT_NE(raw.c_oflag & OPOST, 0u);
    }
    const termios after = settings();
    EXPECT_EQ(after.c_lflag, before.c_lflag);
    EXPECT_EQ(after.c_iflag, before.c_iflag);
    EXPECT_EQ(after.c_oflag, before.c_oflag);
}

TEST_F(TerminalModeTest, signals_on_keeps_control_c) {
    const auto mode = *TerminalMode::make_raw(terminal_.get(), TerminalSignals::kOn);
    EXPECT_NE(settings().c_lflag & ISIG, 0u);
}

TEST(TerminalMode, other_files_are_left_alone) {
    const UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(*TerminalMode::make_raw(file.get(), TerminalSignals::kOn), nullptr);
}

}  // namespace
}  // namespace qc::chardev
