// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/host_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "util/unique_fd.h"

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

TEST(HostMemory, two_shared_mappings_of_a_file_have_the_same_contents) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    ASSERT_EQ(ftruncate(fd.get(), 8 << 20), 0);
    const HostMapping how{.fd = fd.get(), .offset = 1 << 20, .shared = true};
    auto one = HostMemory::map(4 << 20, how);
    auto other = HostMemory::map(4 << 20, how);
    ASSERT_TRUE(one && other);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(one->data()) % (2 << 20), 0u);
    one->data()[5] = std::byte{9};
    EXPECT_EQ(other->data()[5], std::byte{9});
    std::byte in_file{};
    EXPECT_EQ(pread(fd.get(), &in_file, 1, (1 << 20) + 5), 1);
    EXPECT_EQ(in_file, std::byte{9});
}

TEST(HostMemory, private_mapping_leaves_its_file_alone) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    ASSERT_EQ(ftruncate(fd.get(), 4096), 0);
    auto memory = HostMemory::map(4096, {.fd = fd.get()});
    ASSERT_TRUE(memory);
    memory->data()[5] = std::byte{9};
    std::byte in_file{};
    EXPECT_EQ(pread(fd.get(), &in_file, 1, 5), 1);
    EXPECT_EQ(in_file, std::byte{0});
}

TEST(HostMemory, populated_by_several_threads_all_is_there_and_contents_stay) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    constexpr uint64_t kSize = (9 << 20) + 4096;
    ASSERT_EQ(ftruncate(fd.get(), kSize), 0);
    auto memory = HostMemory::map(kSize, {.fd = fd.get(), .shared = true});
    ASSERT_TRUE(memory);
    memory->data()[kSize - 1] = std::byte{3};
    ASSERT_TRUE(memory->populate(3));
    EXPECT_EQ(memory->data()[kSize - 1], std::byte{3});
    struct stat status;
    ASSERT_EQ(fstat(fd.get(), &status), 0);
    EXPECT_EQ(static_cast<uint64_t>(status.st_blocks) * 512, kSize);
}

}  // namespace
}  // namespace qc
