// SPDX-License-Identifier: GPL-2.0-or-later
//
// The server on a character device that has as much room as a test says.
#include "qtest/server.h"

#include <gtest/gtest.h>

#include "qtest/fake_target.h"

namespace qc::qtest_server {
namespace {

class FakeChardev final : public chardev::Chardev {
 public:
    FakeChardev() : Chardev("qtest") {}
    std::string_view backend() const override { return "fake"; }
    std::string description() const override { return "fake"; }
    chardev::ChardevCounters counters() const override { return {}; }

    void connect() { frontend()->event(chardev::ChardevEvent::kOpened); }
    void disconnect() { frontend()->event(chardev::ChardevEvent::kClosed); }
    // False if the front end takes nothing now.
    bool type(std::string_view text) {
        if (frontend()->can_receive() < text.size()) return false;
        frontend()->receive(std::as_bytes(std::span(text)));
        return true;
    }
    void make_room(size_t bytes) {
        room = bytes;
        frontend()->writable();
    }

    std::string output;
    size_t room = SIZE_MAX;
    int input_requests = 0;

 private:
    size_t write(std::span<const std::byte> data) override {
        const size_t count = std::min(room, data.size());
        output.append(reinterpret_cast<const char*>(data.data()), count);
        room -= count;
        return count;
    }
    void accept_input() override { ++input_requests; }
    void frontend_changed() override {}
};

class ServerTest : public testing::Test {
 protected:
    ServerTest() {
        server_ = std::make_unique<Server>(
            *chardev::ChardevClaim::claim(chardev_), *Transcript::open("none"),
            Server::Deps{.loop = *loop_, .lock = lock_, .target = target_});
        chardev_.connect();
    }
    void settle() {
        for (int i = 0; i < 10; ++i)
            loop_->run_once(0);
    }

    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
    MachineLock lock_;
    FakeTarget target_;
    FakeChardev chardev_;
    std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, a_request_is_answered) {
    EXPECT_TRUE(chardev_.type("endianness\n"));
    EXPECT_EQ(chardev_.output, "OK little\n");
}

TEST_F(ServerTest, a_client_that_does_not_read_is_not_served_on) {
    chardev_.room = 3;
    EXPECT_TRUE(chardev_.type("endianness\nendianness\n"));
    EXPECT_FALSE(chardev_.type("endianness\n"));
    settle();
    EXPECT_EQ(chardev_.output, "OK ");
    chardev_.make_room(SIZE_MAX);
    EXPECT_EQ(chardev_.output, "OK little\nOK little\n");
    EXPECT_EQ(chardev_.input_requests, 1);
    EXPECT_TRUE(chardev_.type("endianness\n"));
}

TEST_F(ServerTest, many_requests_leave_room_for_others) {
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "endianness\n";
    EXPECT_TRUE(chardev_.type(many));
    EXPECT_LT(chardev_.output.size(), 100 * std::string_view("OK little\n").size());
    EXPECT_FALSE(chardev_.type("foo\n"));
    settle();
    EXPECT_EQ(chardev_.output.size(), 100 * std::string_view("OK little\n").size());
}

TEST_F(ServerTest, pins_that_move_are_told_from_the_loop) {
    chardev_.type("irq_intercept_in ioapic\n");
    chardev_.output.clear();
    {
        MachineLockGuard guard(lock_);
        target_.ioapic.moved(8, true);
    }
    settle();
    EXPECT_EQ(chardev_.output, "IRQ raise 8\n");
}

TEST_F(ServerTest, a_client_that_left_gets_no_reply_and_the_next_one_is_served) {
    for (int64_t deadline = 1; deadline < 1000; ++deadline)
        target_.time.deadlines.insert(deadline);
    chardev_.type("clock_step 5000\n");
    chardev_.disconnect();
    settle();
    chardev_.connect();
    settle();
    EXPECT_EQ(chardev_.output, "");
    chardev_.type("endianness\n");
    EXPECT_EQ(chardev_.output, "OK little\n");
}

TEST_F(ServerTest, it_may_die_with_work_posted) {
    for (int64_t deadline = 1; deadline < 1000; ++deadline)
        target_.time.deadlines.insert(deadline);
    chardev_.type("irq_intercept_in ioapic\nclock_step 5000\n");
    server_.reset();
    target_.ioapic.moved(8, true);
    settle();
    EXPECT_EQ(chardev_.output, "OK\n");
    EXPECT_FALSE(chardev_.claimed());
}

}  // namespace
}  // namespace qc::qtest_server
