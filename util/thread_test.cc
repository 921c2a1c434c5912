// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/thread.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace qc {
namespace {

TEST(Thread, name_is_cut_to_the_kernels_limit) {
    std::string name;
    Thread thread("a-name-of-more-than-15-bytes", [&] {
        char buffer[32];
        pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
        name = buffer;
    });
    thread.join();
    EXPECT_EQ(name, "a-name-of-more-");
}

TEST(Thread, joinable_until_joined) {
    Thread thread("t", [] {});
    EXPECT_FALSE(thread.is_current());
    EXPECT_TRUE(thread.joinable());
    thread.join();
    EXPECT_FALSE(thread.joinable());
}

TEST(Thread, termination_signals_are_left_to_the_main_thread) {
    sigset_t set;
    Thread thread("t", [&] { pthread_sigmask(SIG_BLOCK, nullptr, &set); });
    thread.join();
    EXPECT_TRUE(sigismember(&set, SIGTERM));
    EXPECT_FALSE(sigismember(&set, SIGUSR1));
    sigset_t mine;
    pthread_sigmask(SIG_BLOCK, nullptr, &mine);
    EXPECT_FALSE(sigismember(&mine, SIGTERM));
}

TEST(ThreadDeathTest, unjoined_thread_may_not_be_destroyed) {
    EXPECT_DEATH({ Thread thread("t", [] {}); }, "assertion failed");
}

}  // namespace
}  // namespace qc
