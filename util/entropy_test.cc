// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace qc {
namespace {

TEST(Entropy, builtin_fills_with_bytes_that_differ) {
    BuiltinEntropy source;
    std::array<std::byte, 64> first{}, second{};
    EXPECT_EQ(source.read(first), first.size());
    EXPECT_EQ(source.read(second), second.size());
    EXPECT_NE(first, second);
}

TEST(Entropy, file_gives_its_bytes_and_then_none) {
    auto zeros = FileEntropy::open("/dev/zero");
    ASSERT_TRUE(zeros);
    std::array<std::byte, 8> data;
    data.fill(std::byte{1});
    EXPECT_EQ((*zeros)->read(data), 8u);
    EXPECT_TRUE(std::ranges::all_of(data, [](std::byte b) { return b == std::byte{0}; }));
    auto nothing = FileEntropy::open("/dev/null");
    ASSERT_TRUE(nothing);
    EXPECT_EQ((*nothing)->read(data), 0u);
}

TEST(Entropy, file_that_is_not_there_is_named) {
    auto source = FileEntropy::open("/no/such/device");
    ASSERT_FALSE(source);
    EXPECT_NE(source.error().message().find("/no/such/device"), std::string::npos);
}

}  // namespace
}  // namespace qc
