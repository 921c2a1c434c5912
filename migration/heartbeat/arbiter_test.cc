// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "migration/heartbeat/command_arbiter.h"
#include "migration/heartbeat/file_arbiter.h"

namespace qc::migration::heartbeat {
namespace {

class ArbiterTest : public ::testing::Test {
 protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "/arbiter-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory_ = name;
        interrupt_ = std::move(*io::Interrupt::create());
    }
    void TearDown() override { (void)!system(("rm -rf " + directory_).c_str()); }

    std::string path() const { return directory_ + "/arbiter"; }
    std::unique_ptr<FileArbiter> open(int64_t timeout_ms = 5000) const {
        auto arbiter = FileArbiter::create({.path = path(), .pair = "p", .timeout_ms = timeout_ms});
        EXPECT_TRUE(arbiter) << arbiter.error().message();
        return arbiter ? *std::move(arbiter) : nullptr;
    }
    std::string open_error() const {
        auto arbiter = FileArbiter::create({.path = path(), .pair = "p", .timeout_ms = 100});
        return arbiter ? "" : arbiter.error().message();
    }
    Question question(uint8_t who, uint64_t generation) const {
        Question question{.generation = generation, .side = ColoMode::kSecondary};
        question.instance[0] = std::byte{who};
        return question;
    }
    Verdict ask(FileArbiter& arbiter, uint8_t who, uint64_t generation) const {
        return arbiter.ask(question(who, generation), *interrupt_).verdict;
    }
    Ruling run(std::string command, int64_t timeout_ms = 5000) const {
        CommandArbiter arbiter(
            {.command = std::move(command), .pair = "p q", .timeout_ms = timeout_ms});
        return arbiter.ask(question(0xab, 77), *interrupt_);
    }
    void put(size_t offset, char value) const {
        std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(offset));
        file.put(value);
    }

    std::string directory_;
    std::unique_ptr<io::Interrupt> interrupt_;
};

TEST_F(ArbiterTest, first_who_asks_wins_and_keeps_it) {
    auto left = open();
    auto right = open();
    EXPECT_EQ(left->id(), right->id());
    const uint64_t generation = left->enroll(0, *interrupt_).value();
    EXPECT_EQ(ask(*right, 2, generation), Verdict::kGranted);
    EXPECT_EQ(ask(*left, 1, generation), Verdict::kRefused);
    EXPECT_EQ(ask(*right, 2, generation), Verdict::kGranted);
    // Also after everybody has gone.
    left.reset();
    right.reset();
    EXPECT_EQ(ask(*open(), 1, generation), Verdict::kRefused);
}

TEST_F(ArbiterTest, earlier_generation_never_wins) {
    auto arbiter = open();
    const uint64_t old = arbiter->enroll(0, *interrupt_).value();
    const uint64_t next = arbiter->enroll(0, *interrupt_).value();
    EXPECT_GT(next, old);
    EXPECT_EQ(ask(*arbiter, 1, old), Verdict::kRefused);
    EXPECT_EQ(ask(*arbiter, 1, next), Verdict::kGranted);
    // A later one than the file knows is not its business.
    EXPECT_EQ(ask(*arbiter, 1, next + 1), Verdict::kUnreachable);
    EXPECT_GT(arbiter->enroll(next + 1000, *interrupt_).value(), next + 1000);
}

TEST_F(ArbiterTest, of_processes_that_race_exactly_one_wins) {
    constexpr int kRounds = 5;
    constexpr int kProcesses = 4;
    auto arbiter = open();
    for (int round = 0; round < kRounds; ++round) {
        const uint64_t generation = arbiter->enroll(0, *interrupt_).value();
        for (int who = 1; who <= kProcesses; ++who) {
            if (fork() == 0) {
                auto mine = FileArbiter::create({.path = path(), .pair = "p"});
                bool won =
                    mine && ask(**mine, static_cast<uint8_t>(who), generation) == Verdict::kGranted;
                _exit(won ? 1 : 0);
            }
        }
        int winners = 0;
        for (int i = 0; i < kProcesses; ++i) {
            int status = 0;
            ASSERT_GT(wait(&status), 0);
            winners += WEXITSTATUS(status);
        }
        EXPECT_EQ(winners, 1);
    }
}

TEST_F(ArbiterTest, lock_that_somebody_keeps_is_no_answer) {
    auto arbiter = open(50);
    const uint64_t generation = arbiter->enroll(0, *interrupt_).value();
    UniqueFd other(::open(path().c_str(), O_RDWR | O_CLOEXEC));
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    ASSERT_EQ(fcntl(other.get(), F_OFD_SETLK, &lock), 0);
    EXPECT_EQ(ask(*arbiter, 1, generation), Verdict::kUnreachable);
    other.reset();
    EXPECT_EQ(ask(*arbiter, 1, generation), Verdict::kGranted);
}

TEST_F(ArbiterTest, torn_copy_leaves_the_one_before) {
    auto arbiter = open();
    const uint64_t first = arbiter->enroll(0, *interrupt_).value();
    EXPECT_EQ(ask(*arbiter, 1, first), Verdict::kGranted);
    // That was the third write; it went to the copy at 4096.
    put(4096 + 40, '\x55');
    EXPECT_EQ(ask(*arbiter, 2, first), Verdict::kGranted);
    put(40, '\x55');
    put(4096 + 40, '\x66');
    EXPECT_EQ(ask(*arbiter, 2, first), Verdict::kUnreachable);
}

TEST_F(ArbiterTest, files_that_are_none_are_refused_by_name) {
    std::ofstream(path()) << "something else";
    EXPECT_NE(open_error().find(path()), std::string::npos);
    unlink(path().c_str());
    mkdir(path().c_str(), 0700);
    EXPECT_NE(open_error(), "");
    rmdir(path().c_str());
    ASSERT_TRUE(FileArbiter::create({.path = path(), .pair = "another"}));
    EXPECT_NE(open_error().find("'another'"), std::string::npos);
}

TEST_F(ArbiterTest, file_that_was_replaced_is_no_answer) {
    auto arbiter = open();
    const uint64_t generation = arbiter->enroll(0, *interrupt_).value();
    unlink(path().c_str());
    auto other = open();
    EXPECT_NE(arbiter->id(), other->id());
    EXPECT_EQ(ask(*arbiter, 1, generation), Verdict::kUnreachable);
}

TEST_F(ArbiterTest, command_is_told_and_its_status_decides) {
    const std::string told = directory_ + "/told";
    EXPECT_EQ(run("echo $QEMU_COLO_SIDE,$QEMU_COLO_PAIR,$QEMU_COLO_GENERATION,"
                  "$QEMU_COLO_REASON,$QEMU_COLO_INSTANCE >" +
                  told)
                  .verdict,
              Verdict::kGranted);
    std::stringstream text;
    text << std::ifstream(told).rdbuf();
    EXPECT_EQ(text.str(), "secondary,p q,77,silence,ab000000000000000000000000000000\n");
    EXPECT_EQ(run("exit 1").verdict, Verdict::kRefused);
    EXPECT_EQ(run("exit 2").verdict, Verdict::kUnreachable);
    EXPECT_EQ(run("kill -9 $$").verdict, Verdict::kUnreachable);
    EXPECT_EQ(run("/nowhere/at/all 2>/dev/null").verdict, Verdict::kUnreachable);
}

TEST_F(ArbiterTest, command_that_takes_too_long_is_killed_with_its_children) {
    const std::string pid_file = directory_ + "/pid";
    Ruling ruling = run("sleep 1000 & echo $! >" + pid_file + "; wait", 300);
    EXPECT_EQ(ruling.verdict, Verdict::kUnreachable);
    EXPECT_NE(ruling.text.find("longer than 300 ms"), std::string::npos);
    pid_t pid = 0;
    std::ifstream(pid_file) >> pid;
    ASSERT_GT(pid, 0);
    // A signal takes a moment, and nobody may be there to reap the process: then it is a
    // zombie.
    std::string line;
    for (int i = 0; i < 1000; ++i) {
        line.clear();
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::getline(stat, line);
        if (line.empty() || line.find(") Z ") != std::string::npos) return;
        usleep(5000);
    }
    ADD_FAILURE() << line;
}

TEST_F(ArbiterTest, interrupt_ends_a_question) {
    interrupt_->trigger();
    EXPECT_EQ(run("sleep 1000").verdict, Verdict::kUnreachable);
}

}  // namespace
}  // namespace qc::migration::heartbeat
