// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/host_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace qc {
namespace {

class HostMemoryTest : public testing::TestWithParam<uint64_t> {};

TEST_P(HostMemoryTest, every_byte_is_zero_and_can_be_written) {
    auto memory = HostMemory::map(GetParam());
    ASSERT_TRUE(memory) << memory.error().message();
    ASSERT_EQ(memory->size(), GetParam());
    EXPECT_TRUE(
        std::ranges::all_of(memory->bytes(), [](std::byte b) { return b == std::byte{0}; }));
    std::ranges::fill(memory->bytes(), std::byte{7});
    EXPECT_EQ(memory->bytes().back(), std::byte{7});
}

INSTANTIATE_TEST_SUITE_P(Sizes, HostMemoryTest,
                         testing::Values(1, 4096, 5000, 2 << 20, (2 << 20) + 4096, 5 << 20));

TEST(HostMemory, large_piece_is_aligned_for_huge_pages) {
    auto memory = HostMemory::map(4 << 20);
    ASSERT_TRUE(memory);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % (2 << 20), 0u);
}

TEST(HostMemory, discarded_pages_are_zeros_again) {
    auto memory = HostMemory::map(4 * 4096);
    ASSERT_TRUE(memory);
    std::ranges::fill(memory->bytes(), std::byte{7});
    memory->discard_from(4096 + 1);
    EXPECT_EQ(memory->bytes()[2 * 4096 - 1], std::byte{7}) << "its page began before";
    EXPECT_EQ(memory->bytes()[2 * 4096], std::byte{0});
    memory->discard_from(1 << 20);
}

TEST(HostMemory, more_than_there_can_be_is_an_error) {
    auto memory = HostMemory::map(uint64_t{1} << 62);
    ASSERT_FALSE(memory);
    EXPECT_NE(memory.error().message().find("cannot map"), std::string::npos);
    EXPECT_FALSE(HostMemory::map(~uint64_t{0}));
}

TEST(HostMemory, moved_piece_has_one_owner) {
    auto memory = HostMemory::map(4096);
    ASSERT_TRUE(memory);
    std::byte* data = memory->data();
    HostMemory other = std::move(*memory);
    EXPECT_EQ(other.data(), data);
    EXPECT_TRUE(memory->empty());
}

}  // namespace
}  // namespace qc
