// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/disk_arbiter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace qc::migration::heartbeat {
namespace {

Id id_of(uint8_t who) {
    Id id{};
    id[0] = std::byte{who};
    return id;
}

// Two sides and their blocks. Each step writes or reads one block, as a disk does it.
struct Election {
    struct Side {
        DiskBallot ballot;
        bool written = false;
        unsigned steps = 0;
    };
    std::array<DiskVote, 2> disk;
    std::array<Side, 2> sides{Side{DiskBallot(0, {}, id_of(1))}, Side{DiskBallot(1, {}, id_of(2))}};

    bool done(unsigned i) const { return sides[i].ballot.decided().has_value(); }
    void step(unsigned i) {
        Side& side = sides[i];
        ++side.steps;
        side.written = !side.written;
        if (side.written) {
            disk[i] = side.ballot.vote();
        } else {
            side.ballot.saw(disk[1 - i]);
        }
    }
    // The process ends, and asks again from what its block holds.
    void restart(unsigned i) {
        sides[i].ballot = DiskBallot(i, disk[i], id_of(static_cast<uint8_t>(i + 1)));
        sides[i].written = false;
    }
};

// Goes through every order of steps, with up to one restart of each side.
struct AllOrders {
    unsigned elections = 0;
    unsigned wins[2] = {0, 0};

    void go(const Election& before, unsigned depth, std::array<unsigned, 2> restarts) {
        if (before.done(0) && before.done(1)) {
            ++elections;
            ASSERT_EQ(before.sides[0].ballot.decided(), before.sides[1].ballot.decided());
            ++wins[*before.sides[0].ballot.decided() == id_of(2) ? 1 : 0];
            return;
        }
        if (depth == 0) return;
        for (unsigned i = 0; i < 2; ++i) {
            if (!before.done(i)) {
                Election after = before;
                after.step(i);
                go(after, depth - 1, restarts);
                if (::testing::Test::HasFatalFailure()) return;
            }
            // Also one that had decided.
            if (restarts[i] > 0) {
                Election after = before;
                after.restart(i);
                std::array<unsigned, 2> left = restarts;
                --left[i];
                go(after, depth - 1, left);
                if (::testing::Test::HasFatalFailure()) return;
            }
        }
    }
};

TEST(DiskBallotTest, both_sides_decide_the_same_in_every_order) {
    AllOrders orders;
    orders.go(Election{}, 16, {1, 1});
    EXPECT_GT(orders.elections, 1000u);
    EXPECT_GT(orders.wins[0], 100u);
    EXPECT_GT(orders.wins[1], 100u);
}

TEST(DiskBallotTest, one_that_is_left_alone_decides_for_itself_in_two_writes) {
    for (unsigned side = 0; side < 2; ++side) {
        Election election;
        for (int i = 0; i < 4; ++i)
            election.step(side);
        EXPECT_EQ(election.sides[side].ballot.decided(), id_of(static_cast<uint8_t>(side + 1)));
    }
}

TEST(DiskBlockTest, bytes_round_trip_and_bad_ones_are_refused) {
    const DiskBlock block{.disk = id_of(9),
                          .generation = 7,
                          .vote = {.ballot = 5, .accepted = 3, .value = id_of(1)},
                          .pair = "p"};
    std::vector<std::byte> bytes = encode(block);
    ASSERT_EQ(bytes.size(), 512u);
    EXPECT_EQ(parse_disk_block(bytes).value(), block);
    for (size_t i = 0; i < bytes.size(); ++i) {
        std::vector<std::byte> bad = bytes;
        bad[i] ^= std::byte{1};
        EXPECT_FALSE(parse_disk_block(bad)) << i;
    }
    EXPECT_FALSE(parse_disk_block(std::span(bytes).first(511)));
    EXPECT_EQ(parse_disk_block(std::vector<std::byte>(4096)).value(), DiskBlock{});
    DiskBlock bad = block;
    bad.vote.accepted = 6;
    EXPECT_FALSE(parse_disk_block(encode(bad)));
    bad = block;
    bad.vote.value = kNoId;
    EXPECT_FALSE(parse_disk_block(encode(bad)));
}

// A file does for a disk, where the file system lets one pass by its cache.
class DiskArbiterTest : public ::testing::Test {
 protected:
    void SetUp() override {
        path_ = ::testing::TempDir() + "/arbiter-disk-XXXXXX";
        fd_.reset(mkstemp(path_.data()));
        ASSERT_TRUE(fd_);
        ASSERT_EQ(ftruncate(fd_.get(), DiskArbiter::kSize), 0);
        UniqueFd direct(::open(path_.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
        if (!direct) GTEST_SKIP() << "no O_DIRECT in " << ::testing::TempDir();
        interrupt_ = std::move(*io::Interrupt::create());
    }
    void TearDown() override { unlink(path_.c_str()); }

    std::unique_ptr<DiskArbiter> open(unsigned side) const {
        auto arbiter = DiskArbiter::create({.path = path_, .pair = "p", .side = side});
        EXPECT_TRUE(arbiter) << arbiter.error().message();
        return arbiter ? *std::move(arbiter) : nullptr;
    }
    std::string open_error(std::string pair = "p") const {
        auto arbiter = DiskArbiter::create({.path = path_, .pair = std::move(pair)});
        return arbiter ? "" : arbiter.error().message();
    }
    Verdict ask(DiskArbiter& arbiter, uint8_t who, uint64_t generation) const {
        return arbiter.ask({.generation = generation, .instance = id_of(who)}, *interrupt_).verdict;
    }
    void put(uint64_t offset, char value) const {
        ASSERT_EQ(pwrite(fd_.get(), &value, 1, static_cast<off_t>(offset)), 1);
    }

    std::string path_;
    UniqueFd fd_;
    std::unique_ptr<io::Interrupt> interrupt_;
};

TEST_F(DiskArbiterTest, first_who_asks_wins_and_keeps_it) {
    auto left = open(0);
    auto right = open(1);
    ASSERT_TRUE(left && right);
    EXPECT_NE(left->id(), kNoId);
    EXPECT_EQ(left->id(), right->id());
    const uint64_t generation = left->enroll(0, *interrupt_).value();
    EXPECT_EQ(ask(*right, 2, generation), Verdict::kGranted);
    EXPECT_EQ(ask(*left, 1, generation), Verdict::kRefused);
    EXPECT_EQ(ask(*right, 2, generation), Verdict::kGranted);
    left.reset();
    right.reset();
    EXPECT_EQ(ask(*open(0), 1, generation), Verdict::kRefused);
}

TEST_F(DiskArbiterTest, earlier_generation_never_wins) {
    auto left = open(0);
    auto right = open(1);
    ASSERT_TRUE(left && right);
    const uint64_t old = left->enroll(0, *interrupt_).value();
    const uint64_t next = right->enroll(0, *interrupt_).value();
    EXPECT_GT(next, old);
    EXPECT_EQ(ask(*left, 1, old), Verdict::kRefused);
    EXPECT_EQ(ask(*left, 1, next + 1), Verdict::kUnreachable);
    EXPECT_EQ(ask(*left, 1, next), Verdict::kGranted);
    EXPECT_EQ(left->enroll(next + 1000, *interrupt_).value(), next + 1001);
    // A block that an earlier generation used is used again, and its vote is forgotten.
    const uint64_t again =
        left->enroll(next + 5 * DiskArbiter::kGenerations - 1, *interrupt_).value();
    EXPECT_EQ(again % DiskArbiter::kGenerations, next % DiskArbiter::kGenerations);
    EXPECT_EQ(ask(*right, 2, again), Verdict::kGranted);
}

TEST_F(DiskArbiterTest, of_two_processes_that_race_exactly_one_wins) {
    auto arbiter = open(0);
    ASSERT_TRUE(arbiter);
    for (int round = 0; round < 20; ++round) {
        const uint64_t generation = arbiter->enroll(0, *interrupt_).value();
        for (unsigned side = 0; side < 2; ++side) {
            if (fork() == 0) {
                auto mine = DiskArbiter::create({.path = path_, .pair = "p", .side = side});
                if (!mine) _exit(100);
                const Verdict verdict = ask(**mine, static_cast<uint8_t>(side + 1), generation);
                _exit(verdict == Verdict::kGranted ? 1 : verdict == Verdict::kRefused ? 0 : 100);
            }
        }
        int winners = 0;
        for (int i = 0; i < 2; ++i) {
            int status = 0;
            ASSERT_GT(wait(&status), 0);
            winners += WEXITSTATUS(status);
        }
        EXPECT_EQ(winners, 1) << round;
    }
}

TEST_F(DiskArbiterTest, disks_that_hold_something_else_are_refused_by_name) {
    put(DiskArbiter::kSize - 1, 'x');
    EXPECT_NE(open_error().find("'" + path_ + "' holds something else"), std::string::npos);
    put(0, 'x');
    EXPECT_NE(open_error().find("something else"), std::string::npos);
    ASSERT_EQ(ftruncate(fd_.get(), 0), 0);
    EXPECT_NE(open_error().find("it needs"), std::string::npos);
    ASSERT_EQ(ftruncate(fd_.get(), DiskArbiter::kSize), 0);
    EXPECT_EQ(open_error(), "");
    EXPECT_NE(open_error("another").find("belongs to the pair 'p'"), std::string::npos);
}

TEST_F(DiskArbiterTest, damaged_block_is_no_answer) {
    auto left = open(0);
    ASSERT_TRUE(left);
    const uint64_t generation = left->enroll(0, *interrupt_).value();
    put((1 + generation % DiskArbiter::kGenerations * 2) * DiskArbiter::kBlockSize + 40, '\x55');
    EXPECT_EQ(ask(*left, 1, generation), Verdict::kUnreachable);
}

TEST_F(DiskArbiterTest, disk_that_was_exchanged_is_no_answer) {
    auto left = open(0);
    ASSERT_TRUE(left);
    const uint64_t generation = left->enroll(0, *interrupt_).value();
    ASSERT_EQ(ftruncate(fd_.get(), 0), 0);
    ASSERT_EQ(ftruncate(fd_.get(), DiskArbiter::kSize), 0);
    auto other = open(1);
    ASSERT_TRUE(other);
    EXPECT_NE(left->id(), other->id());
    EXPECT_EQ(ask(*left, 1, generation), Verdict::kUnreachable);
}

}  // namespace
}  // namespace qc::migration::heartbeat
