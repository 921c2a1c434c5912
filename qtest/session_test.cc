// SPDX-License-Identifier: GPL-2.0-or-later
#include "qtest/session.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "qtest/fake_target.h"

namespace qc::qtest_server {
namespace {

class SessionTest : public testing::Test {
 protected:
    SessionTest() { session_.opened(); }

    // The replies to whole lines, "|" between them.
    std::string say(std::string_view bytes) {
        session_.receive(bytes);
        for (int i = 0; i < 100'000 && session_.ready(); ++i)
            session_.execute();
        std::string replies = session_.take_output();
        if (replies.ends_with('\n')) replies.pop_back();
        for (char& c : replies) {
            if (c == '\n') c = '|';
        }
        return replies;
    }

    FakeTarget target_;
    FakeLog log_;
    int news_ = 0;
    Session session_{{.target = target_, .log = log_, .pin_news = [this] { ++news_; }}};
};

TEST_F(SessionTest, a_request_has_one_line_of_reply) {
    EXPECT_EQ(say("endianness\n"), "OK little");
    EXPECT_EQ(say("foo\n"), "FAIL Unknown command 'foo'");
}

TEST_F(SessionTest, lines_may_come_in_pieces_and_together) {
    EXPECT_EQ(say("endian"), "");
    EXPECT_EQ(say("ness"), "");
    EXPECT_EQ(say("\nendianness\nfoo\nend"), "OK little|OK little|FAIL Unknown command 'foo'");
    EXPECT_EQ(say("ianness\n"), "OK little");
}

TEST_F(SessionTest, ports_and_memory_are_read_and_written) {
    EXPECT_EQ(say("inb 0x70\noutl 0x70 0x12345678\ninl 0x70\ninw 0x70\n"),
              "OK 0x00ff|OK|OK 0x12345678|OK 0x5678");
    EXPECT_EQ(say("writeq 0x1000 0x1122334455667788\nreadq 0x1000\nreadw 0x1001\n"),
              "OK|OK 0x1122334455667788|OK 0x0000000000006677");
    EXPECT_EQ(say("write 0x1000 4 0xaabb\nread 0x1000 8\n"), "OK|OK 0xaabb000044332211");
    EXPECT_EQ(say("memset 0x1000 8 0x41\nb64read 0x1000 3\nb64write 0x1000 4 AQIDBA==\n"),
              "OK|OK QUFB|OK");
    EXPECT_EQ(say("read 0x1000 8\n"), "OK 0x0102030441414141");
    EXPECT_EQ(say("memset 0x2000 0 1\nmemset 0x2000 9000 1\nreadw 0x4327\n"),
              "OK|OK|OK 0x0000000000000001");
}

TEST_F(SessionTest, odd_base64_is_written_down) {
    EXPECT_EQ(say("b64write 0x1000 3 AQIDBA==\n"), "OK");
    EXPECT_NE(log_.text.find("4 bytes of data for a size of 3"), std::string::npos);
}

TEST_F(SessionTest, a_line_too_long_is_refused_and_the_next_one_served) {
    const std::string piece(1 << 20, 'x');
    for (size_t sent = 0; sent <= kMaxLine; sent += piece.size())
        EXPECT_EQ(say(piece), "");
    EXPECT_EQ(say(piece), "");
    EXPECT_EQ(say("x\nendianness\n"),
              fmt::format("FAIL The line has more than {} characters|OK little", kMaxLine));
}

TEST_F(SessionTest, clock_step_reaches_deadlines_in_order) {
    target_.time.deadlines = {100, 300, 200, 1000};
    EXPECT_EQ(say("clock_step\n"), "OK 100");
    EXPECT_EQ(say("clock_step 250\n"), "OK 350");
    EXPECT_EQ(target_.time.reached, (std::vector<int64_t>{100, 200, 300}));
    EXPECT_EQ(say("clock_set 900\n"), "OK 900");
    EXPECT_EQ(say("clock_step\nclock_step\n"), "OK 1000|OK 1000");
    EXPECT_EQ(say("clock_set 5\n"), "OK 1000");
    EXPECT_EQ(say("clock_step 0x7fffffffffffffff\n"),
              "FAIL The time '0x7fffffffffffffff' is out of range");
    EXPECT_EQ(say("clock_step 0x7ffffffffffffffe\n"), "FAIL The clock would leave its range");
}

TEST_F(SessionTest, a_long_step_is_taken_in_parts_and_holds_the_next_request) {
    target_.time.deadlines = {100, 200};
    session_.receive("clock_step 500\nendianness\n");
    session_.execute();
    EXPECT_TRUE(session_.stepping());
    EXPECT_EQ(session_.take_output(), "");
    EXPECT_EQ(say(""), "OK 500|OK little");
}

TEST_F(SessionTest, a_clock_that_runs_has_no_commands) {
    target_.time_passes = true;
    EXPECT_EQ(say("clock_step 5\nclock_set 5\nclock_step\n"),
              "FAIL Unknown command 'clock_step'|FAIL Unknown command 'clock_set'|"
              "FAIL Unknown command 'clock_step'");
}

TEST_F(SessionTest, pins_are_told_before_the_reply) {
    EXPECT_EQ(say("outb 0x80 1\n"), "OK");
    EXPECT_EQ(say("irq_intercept_in ioapic\n"), "OK");
    EXPECT_EQ(say("outb 0x80 0\n"), "OK") << "low is what it was";
    EXPECT_EQ(say("outb 0x80 1\noutb 0x80 1\noutb 0x80 0\n"), "IRQ raise 3|OK|OK|IRQ lower 3|OK");
    EXPECT_EQ(say("set_irq_in ioapic unnamed-gpio-in 8 1\n"), "IRQ raise 8|OK");
    EXPECT_EQ(target_.driven, (std::vector<std::pair<unsigned, bool>>{{8, true}}));
}

TEST_F(SessionTest, pins_that_move_by_themselves_are_news) {
    say("irq_intercept_in ioapic\n");
    target_.ioapic.moved(14, true);
    EXPECT_EQ(news_, 1);
    session_.tell_pins();
    EXPECT_EQ(session_.take_output(), "IRQ raise 14\n");
}

TEST_F(SessionTest, one_device_is_watched) {
    EXPECT_EQ(say("irq_intercept_in nosuch\n"), "FAIL Unknown device");
    EXPECT_EQ(say("irq_intercept_in nothing\n"), "FAIL No intercepts installed");
    EXPECT_EQ(say("irq_intercept_in pic\n"), "FAIL No intercepts installed");
    EXPECT_EQ(say("irq_intercept_in ioapic foo\n"),
              "FAIL Interception of named in-GPIOs not yet supported");
    EXPECT_EQ(say("irq_intercept_out pic foo\n"), "FAIL No intercepts installed");
    EXPECT_EQ(say("irq_intercept_in ioapic\nirq_intercept_in /machine/ioapic\n"), "OK|OK");
    EXPECT_EQ(say("irq_intercept_out pic\n"), "FAIL IRQ intercept already enabled");
    EXPECT_EQ(say("irq_intercept_in nosuch\n"), "FAIL Unknown device");
    EXPECT_EQ(say("irq_intercept_in pic foo\n"),
              "FAIL Interception of named in-GPIOs not yet supported");
}

TEST_F(SessionTest, outputs_are_watched) {
    EXPECT_EQ(say("irq_intercept_out pic\n"), "OK");
    target_.pic_out.moved(0, true);
    EXPECT_EQ(say("endianness\n"), "IRQ raise 0|OK little");
}

TEST_F(SessionTest, inputs_that_do_not_exist_are_not_driven) {
    EXPECT_EQ(say("set_irq_in nosuch unnamed-gpio-in 1 1\n"), "FAIL Unknown device");
    EXPECT_EQ(say("set_irq_in ioapic unnamed-gpio-in 24 1\n"), "FAIL The device has 24 inputs");
    EXPECT_EQ(say("set_irq_in ioapic foo 1 1\n"), "FAIL Unknown input list");
    EXPECT_EQ(say("set_irq_in pic unnamed-gpio-in 0 1\n"), "FAIL Unknown input list");
    EXPECT_TRUE(target_.driven.empty());
}

TEST_F(SessionTest, there_are_no_modules) {
    EXPECT_EQ(say("module_load block- curl\n"), "FAIL");
}

TEST_F(SessionTest, the_next_client_begins_anew) {
    say("irq_intercept_in ioapic\nset_irq_in ioapic unnamed-gpio-in 5 1\n");
    session_.receive("endia");
    session_.closed();
    session_.opened();
    EXPECT_EQ(say("endianness\n"), "OK little");
    EXPECT_EQ(say("set_irq_in ioapic unnamed-gpio-in 5 0\n"), "OK");
    EXPECT_EQ(say("set_irq_in ioapic unnamed-gpio-in 5 1\n"), "IRQ raise 5|OK");
}

TEST_F(SessionTest, the_log_has_both_directions) {
    say("endianness\n");
    session_.closed();
    EXPECT_EQ(log_.text, "I OPENED\nR endianness\nS OK little\nI CLOSED\n");
}

}  // namespace
}  // namespace qc::qtest_server
