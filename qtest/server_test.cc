// SPDX-License-Identifier: GPL-2.0-or-later
//
// The server on a character device that has as much room as a test says.
#include "qtest/server.h"

#include <gtest/gtest.h>

#include "chardev/fake_chardev.h"
#include "qtest/fake_target.h"

namespace qc::qtest_server {
namespace {

class ServerTest : public testing::Test {
 protected:
    ServerTest() {
        server_ = std::make_unique<Server>(
            *chardev::ChardevClaim::claim(chardev_), *Transcript::open("none"),
            Server::Deps{.loop = *loop_, .lock = lock_, .target = target_});
        chardev_.open();
    }
    void settle() {
        for (int i = 0; i < 10; ++i)
            loop_->run_once(0);
    }

    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
    MachineLock lock_;
    FakeTarget target_;
    chardev::FakeChardev chardev_;
    std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, a_request_is_answered) {
    EXPECT_TRUE(chardev_.type("endianness\n"));
    EXPECT_EQ(chardev_.output, "OK little\n");
}

TEST_F(ServerTest, a_client_that_does_not_read_is_not_served_on) {
    chardev_.room = 3;
    EXPECT_TRUE(chardev_.type("endianness\nendianness\n"));
    EXPECT_EQ(chardev_.type("endianness\n"), 0u);
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
    EXPECT_EQ(chardev_.type("foo\n"), 0u);
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
    chardev_.close();
    settle();
    chardev_.open();
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
