// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp_expression.h"

#include <gtest/gtest.h>

namespace qc::monitor {
namespace {

Result<int64_t> registers(std::string_view name) {
    if (name == "pc") return 0x1000;
    return fail("unknown register");
}

// The value, then what is left; or the error.
std::string value(std::string_view text) {
    const Result<int64_t> result = take_expression(text, registers);
    if (!result) return result.error().message();
    return fmt::format("{}:{}", *result, text);
}

TEST(HmpExpression, literals_are_those_of_c) {
    EXPECT_EQ(value("10"), "10:");
    EXPECT_EQ(value("0x10"), "16:");
    EXPECT_EQ(value("010"), "8:");
    EXPECT_EQ(value("0"), "0:");
    EXPECT_EQ(value("'a'"), "97:");
    EXPECT_EQ(value("0xffffffffffffffff"), "-1:");
}

TEST(HmpExpression, operators_bind_as_in_qemu) {
    EXPECT_EQ(value("1+2*3-4"), "3:");
    EXPECT_EQ(value("1 + 6 & 3"), "3:");
    EXPECT_EQ(value("(1+6)&3|8^1"), "10:");
    EXPECT_EQ(value("-5/2%2"), "0:");
    EXPECT_EQ(value("~0+ +1"), "0:");
    EXPECT_EQ(value("$pc + 8"), "4104:");
}

TEST(HmpExpression, ends_where_the_next_argument_begins) {
    EXPECT_EQ(value("0 512"), "0:512");
    EXPECT_EQ(value("1 + 1 file"), "2:file");
}

TEST(HmpExpression, nothing_overflows) {
    EXPECT_EQ(value("0x7fffffffffffffff+1"), fmt::format("{}:", INT64_MIN));
    EXPECT_EQ(value("0x8000000000000000/-1"), fmt::format("{}:", INT64_MIN));
    EXPECT_EQ(value("0x8000000000000000%-1"), "0:");
    EXPECT_EQ(value("-0x8000000000000000*-1"), fmt::format("{}:", INT64_MIN));
}

TEST(HmpExpression, errors_say_what_is_wrong) {
    EXPECT_EQ(value(""), "unexpected end of expression");
    EXPECT_EQ(value("1+"), "unexpected end of expression");
    EXPECT_EQ(value("5/0"), "division by zero");
    EXPECT_EQ(value("5%(1-1)"), "division by zero");
    EXPECT_EQ(value("(1"), "')' expected");
    EXPECT_EQ(value("'a"), "missing terminating ' character");
    EXPECT_EQ(value("$foo"), "unknown register");
    EXPECT_EQ(value("x"), "invalid char 'x' in expression");
    EXPECT_EQ(value("0x1ffffffffffffffff"), "number too large");
    EXPECT_EQ(value(std::string(100'000, '(')), "the expression is too deep");
    EXPECT_EQ(value(std::string(100'000, '-')), "the expression is too deep");
}

}  // namespace
}  // namespace qc::monitor
