// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace qc {
namespace {

bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

TEST(UniqueFd, destruction_closes) {
    int raw;
    {
        const UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
        raw = fd.get();
        ASSERT_TRUE(is_open(raw));
    }
    EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFd, move_hands_over_and_closes_the_target) {
    UniqueFd a(open("/dev/null", O_RDONLY | O_CLOEXEC));
    UniqueFd b(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int kept = a.get();
    const int closed = b.get();
    b = std::move(a);
    EXPECT_EQ(b.get(), kept);
    EXPECT_TRUE(is_open(kept));
    EXPECT_FALSE(is_open(closed));
}

TEST(UniqueFd, release_gives_up_ownership) {
    UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int raw = fd.release();
    EXPECT_FALSE(fd);
    EXPECT_TRUE(is_open(raw));
    UniqueFd closes(raw);
}

}  // namespace
}  // namespace qc
