// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/telnet_fsm.h"

#include <gtest/gtest.h>

namespace qc::chardev {
namespace {

std::string decode(TelnetFsm& fsm, std::string input) {
    input.resize(fsm.decode(std::as_writable_bytes(std::span(input))));
    return input;
}

TEST(TelnetFsm, plain_bytes_pass) {
    TelnetFsm fsm;
    EXPECT_EQ(decode(fsm, "hello\n"), "hello\n");
    EXPECT_EQ(fsm.take_reply(), "");
}

TEST(TelnetFsm, options_of_ours_need_no_answer) {
    TelnetFsm fsm;
    // DO echo, DO suppress-go-ahead, DO binary, WILL binary, DONT and WONT anything.
    EXPECT_EQ(decode(fsm, std::string("\xff\xfd\x01\xff\xfd\x03\xff\xfd\x00\xff\xfb\x00"
                                      "\xff\xfe\x07\xff\xfc\x07",
                                      18)),
              "");
    EXPECT_EQ(fsm.take_reply(), "");
}

TEST(TelnetFsm, other_options_are_refused_once) {
    TelnetFsm fsm;
    decode(fsm, "\xff\xfb\x1f\xff\xfd\x18\xff\xfb\x1f\xff\xfd\x18");
    EXPECT_EQ(fsm.take_reply(), "\xff\xfe\x1f\xff\xfc\x18");
}

TEST(TelnetFsm, command_cut_anywhere_is_the_same) {
    TelnetFsm fsm;
    std::string heard;
    for (const char c : std::string("a\xff\xff\xff\xf3\xff\xfd\x18z"))
        heard += decode(fsm, std::string(1, c));
    EXPECT_EQ(heard, "a\xffz");
    EXPECT_EQ(fsm.take_breaks(), 1u);
    EXPECT_EQ(fsm.take_reply(), "\xff\xfc\x18");
}

TEST(TelnetFsm, subnegotiation_is_skipped) {
    TelnetFsm fsm;
    EXPECT_EQ(decode(fsm,
                     "a\xff\xfa\x18xy\xff\xffz\xff\xf0"
                     "b"),
              "ab");
}

TEST(TelnetFsm, zero_after_return_is_filling_without_binary_only) {
    TelnetFsm fsm;
    EXPECT_EQ(decode(fsm, std::string("a\r\0b\0", 5)), std::string("a\rb\0", 4));
    decode(fsm, std::string("\xff\xfb\x00", 3));
    EXPECT_EQ(decode(fsm, std::string("\r\0", 2)), std::string("\r\0", 2));
}

}  // namespace
}  // namespace qc::chardev
