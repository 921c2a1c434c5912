// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace qc {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return fail("{} is odd", number);
    return number / 2;
}

Result<int> quarter(int number) {
    return TRY(half(TRY(half(number))));
}

Result<void> check_even(int number) {
    TRY(half(number));
    return {};
}

TEST(Result, try_with_values_unwraps_each) {
    EXPECT_EQ(*quarter(8), 2);
}

TEST(Result, try_with_error_propagates_it) {
    EXPECT_EQ(quarter(6).error().message(), "3 is odd");
    EXPECT_FALSE(check_even(1));
    EXPECT_TRUE(check_even(2));
}

TEST(Result, context_on_error_prefixes_outermost_first) {
    const Result<int> result = half(1).context("reading {}", "x").context("loading");
    EXPECT_EQ(result.error().message(), "loading: reading x: 1 is odd");
}

TEST(Result, context_on_value_changes_nothing) {
    EXPECT_EQ(*half(4).context("unused"), 2);
}

TEST(Result, move_only_value_is_moved_out) {
    auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
    auto use = [&]() -> Result<int> { return *TRY(make()); };
    EXPECT_EQ(*use(), 7);
}

TEST(Error, fail_errno_appends_the_systems_words) {
    const Failure failure = fail_errno(ENOENT, "opening '{}'", "f");
    EXPECT_EQ(failure.error().message(), "opening 'f': No such file or directory");
}

TEST(Error, class_is_kept_and_spelled_as_qmp_does) {
    const Failure failure = fail_class(ErrorClass::kDeviceNotFound, "no");
    EXPECT_EQ(to_string(failure.error().error_class()), "DeviceNotFound");
    EXPECT_EQ(to_string(Error("x").error_class()), "GenericError");
}

TEST(Error, hint_is_not_part_of_the_message) {
    Error error("bad");
    error.set_hint("try better");
    EXPECT_EQ(error.message(), "bad");
    EXPECT_EQ(error.hint(), "try better");
}

}  // namespace
}  // namespace qc
