// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/machine_lock.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <vector>

#include "util/gate.h"
#include "util/thread.h"

namespace qc {
namespace {

TEST(MachineLock, held_only_between_lock_and_unlock) {
    MachineLock lock;
    EXPECT_FALSE(lock.held());
    {
        MachineLockGuard guard(lock);
        EXPECT_TRUE(lock.held());
        lock.assert_held();
    }
    EXPECT_FALSE(lock.held());
    assert_may_block();
}

TEST(MachineLock, other_thread_does_not_hold_it) {
    MachineLock lock;
    bool held = true;
    Thread other;
    lock.lock();
    other = Thread("other", [&] { held = lock.held(); });
    lock.unlock();
    other.join();
    EXPECT_FALSE(held);
}

TEST(MachineLock, excludes_other_threads) {
    constexpr int kRounds = 2000;
    MachineLock lock;
    int counter = 0;
    std::vector<Thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back("adder", [&] {
            for (int round = 0; round < kRounds; ++round) {
                MachineLockGuard guard(lock);
                ++counter;
            }
        });
    }
    for (Thread& thread : threads)
        thread.join();
    EXPECT_EQ(counter, 3 * kRounds);
}

// Returns once the thread sleeps in the kernel: it waits for its ticket then.
void wait_until_asleep(const std::atomic<pid_t>& tid) {
    while (true) {
        if (tid.load() == 0) continue;
        std::ifstream stat(fmt::format("/proc/self/task/{}/stat", tid.load()));
        std::string id, name, state;
        stat >> id >> name >> state;
        if (state == "S") return;
    }
}

// The thread that gives the lock back and wants it again queues behind those
// that already wait, in the order they came.
TEST(MachineLock, waiters_are_served_first_come_first_served) {
    MachineLock lock;
    std::string order;
    std::vector<Thread> threads;
    lock.lock();
    for (char name : {'a', 'b'}) {
        std::atomic<pid_t> tid{0};
        threads.emplace_back("waiter", [&, name] {
            tid.store(gettid());
            MachineLockGuard guard(lock);
            order += name;
        });
        wait_until_asleep(tid);
    }
    lock.unlock();
    lock.lock();
    order += 'm';
    lock.unlock();
    for (Thread& thread : threads)
        thread.join();
    EXPECT_EQ(order, "abm");
}

TEST(MachineLockDeathTest, blocking_primitives_assert_under_it) {
    MachineLock lock;
    Gate gate;
    Mutex mutex;
    CondVar condition;
    EXPECT_DEATH(
        {
            MachineLockGuard guard(lock);
            assert_may_block();
        },
        "assertion failed");
    EXPECT_DEATH(
        {
            MachineLockGuard guard(lock);
            gate.close();
        },
        "assertion failed");
    EXPECT_DEATH(
        {
            MachineLockGuard guard(lock);
            MutexLock inner(mutex);
            condition.wait_until(mutex, std::chrono::steady_clock::now());
        },
        "assertion failed");
    gate.close();
}

TEST(MachineLockDeathTest, second_machine_lock_in_one_thread_asserts) {
    MachineLock first, second;
    EXPECT_DEATH(
        {
            MachineLockGuard guard(first);
            MachineLockGuard other(second);
        },
        "assertion failed");
}

}  // namespace
}  // namespace qc
