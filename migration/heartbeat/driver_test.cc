// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two drivers in one process, with connections, threads and an arbiter's file as they
// are; COLO is a fake. What happens when is the state machine's and simulator's test.
#include "migration/heartbeat/driver.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "io/connector.h"
#include "migration/heartbeat/file_arbiter.h"

namespace qc::migration::heartbeat {
namespace {

class FakePair final : public PairControl {
 public:
    colo::ColoSituation situation() const override {
        MutexLock lock(mutex_);
        return situation_;
    }
    void listen(std::function<void()> listener) override {
        MutexLock lock(mutex_);
        listener_ = std::move(listener);
    }
    void drop_peer(const std::string&) override { end_link(); }
    Result<void> go_on() override {
        MutexLock lock(mutex_);
        went_on_ = true;
        situation_.role = ColoMode::kNone;
        situation_.link = colo::ColoLink::kNone;
        return {};
    }
    void probe() override {}
    void stop_guest() override {
        MutexLock lock(mutex_);
        stopped_ = true;
    }

    void enter(ColoMode role) {
        MutexLock lock(mutex_);
        situation_ = {.role = role, .link = colo::ColoLink::kUp, .session = 1};
    }
    void end_link() {
        MutexLock lock(mutex_);
        if (situation_.role != ColoMode::kNone) situation_.link = colo::ColoLink::kLost;
    }
    bool went_on() const {
        MutexLock lock(mutex_);
        return went_on_;
    }
    bool stopped() const {
        MutexLock lock(mutex_);
        return stopped_;
    }

 private:
    mutable Mutex mutex_;
    colo::ColoSituation situation_ GUARDED_BY(mutex_);
    std::function<void()> listener_ GUARDED_BY(mutex_);
    bool went_on_ GUARDED_BY(mutex_) = false;
    bool stopped_ GUARDED_BY(mutex_) = false;
};

class Silent final : public HeartbeatListener {
    void heartbeat_changed(const Common&, HeartbeatFsm::State, bool) override {}
    void heartbeat_lost(const Common&, Reason, int64_t) override {}
    void heartbeat_decided(const Common&, const HeartbeatFsm::ReportDecision&) override {}
};

class HeartbeatDriverTest : public ::testing::Test {
 protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "/heartbeat-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { (void)!system(("rm -rf " + directory_).c_str()); }

    std::unique_ptr<HeartbeatDriver> make(FakePair& pair, bool server, std::string name = "p") {
        auto arbiter = FileArbiter::create({.path = directory_ + "/" + name, .pair = name});
        EXPECT_TRUE(arbiter) << arbiter.error().message();
        Hello self{.instance = random_id(),
                   .arbiter = (*arbiter)->id(),
                   .policy = Policy::kAsk,
                   .arbiter_kind = ArbiterKind::kFile,
                   .interval_ms = 20,
                   .timeout_ms = 400,
                   .pair = name};
        auto driver = HeartbeatDriver::create(
            {.id = "hb", .self = self, .address = address(), .server = server},
            {.pair = pair, .listener = silent_}, *std::move(arbiter));
        EXPECT_TRUE(driver) << driver.error().message();
        return *std::move(driver);
    }
    io::SocketAddress address() const { return io::UnixAddress{directory_ + "/socket"}; }

    template <typename Condition>
    static bool soon(Condition condition) {
        for (int i = 0; i < 2000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }
    static bool reaches(const HeartbeatDriver& driver, HeartbeatFsm::State state) {
        return soon([&] { return driver.status().state == state; });
    }

    std::string directory_;
    Silent silent_;
};

TEST_F(HeartbeatDriverTest, pair_is_armed_and_comes_apart) {
    FakePair left;
    FakePair right;
    auto primary = make(left, true);
    auto secondary = make(right, false);
    left.enter(ColoMode::kPrimary);
    right.enter(ColoMode::kSecondary);
    ASSERT_TRUE(reaches(*primary, HeartbeatFsm::State::kArmed));
    ASSERT_TRUE(reaches(*secondary, HeartbeatFsm::State::kArmed));
    EXPECT_EQ(primary->status().generation, secondary->status().generation);
    EXPECT_FALSE(primary->status().may_be_removed);
    left.end_link();
    right.end_link();
    EXPECT_TRUE(reaches(*primary, HeartbeatFsm::State::kAlone));
    EXPECT_TRUE(reaches(*secondary, HeartbeatFsm::State::kStoodDown));
    EXPECT_TRUE(left.went_on());
    EXPECT_FALSE(right.went_on());
    EXPECT_TRUE(soon([&] { return right.stopped(); }));
}

TEST_F(HeartbeatDriverTest, peer_that_vanishes_is_replaced) {
    FakePair left;
    FakePair right;
    auto primary = make(left, false);
    auto secondary = make(right, true);
    left.enter(ColoMode::kPrimary);
    right.enter(ColoMode::kSecondary);
    ASSERT_TRUE(reaches(*secondary, HeartbeatFsm::State::kArmed));
    primary.reset();
    EXPECT_TRUE(reaches(*secondary, HeartbeatFsm::State::kAlone));
    EXPECT_TRUE(right.went_on());
}

TEST_F(HeartbeatDriverTest, order_is_answered_by_the_arbiter) {
    FakePair left;
    FakePair right;
    auto primary = make(left, true);
    auto secondary = make(right, false);
    EXPECT_TRUE(secondary->order());  // not in COLO: its own affair
    EXPECT_TRUE(right.went_on());
    left.enter(ColoMode::kPrimary);
    right.enter(ColoMode::kSecondary);
    ASSERT_TRUE(reaches(*secondary, HeartbeatFsm::State::kArmed));
    ASSERT_TRUE(secondary->order());
    EXPECT_TRUE(reaches(*secondary, HeartbeatFsm::State::kAlone));
    EXPECT_TRUE(reaches(*primary, HeartbeatFsm::State::kStoodDown));
    EXPECT_FALSE(left.went_on());
}

TEST_F(HeartbeatDriverTest, strangers_and_noise_are_refused) {
    FakePair left;
    FakePair other;
    auto primary = make(left, true);
    auto stranger = make(other, false, "q");
    EXPECT_TRUE(soon([&] { return primary->status().refused > 0; }));
    stranger.reset();
    auto noise = io::connect(address());
    ASSERT_TRUE(noise) << noise.error().message();
    const std::string text = "GET / HTTP/1.1\r\n\r\n";
    ASSERT_TRUE((*noise)->write_all(std::as_bytes(std::span(text))));
    std::array<std::byte, 256> hello;
    // Its hello, then the end.
    ASSERT_TRUE(soon([&] {
        auto count = (*noise)->read_some(hello, io::deadline_in_ms(1000));
        return !count || *count == 0;
    }));
    FakePair right;
    auto secondary = make(right, false);
    EXPECT_TRUE(soon([&] { return primary->status().connected; }));
}

}  // namespace
}  // namespace qc::migration::heartbeat
