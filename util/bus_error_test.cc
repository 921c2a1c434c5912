// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/bus_error.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/host_memory.h"
#include "util/unique_fd.h"

namespace qc {
namespace {

constexpr uint64_t kSize = 4 * 4096;

HostMemory shared_file(const UniqueFd& fd, off_t file_size) {
    EXPECT_EQ(ftruncate(fd.get(), file_size), 0);
    return *HostMemory::map(kSize, {.fd = fd.get(), .shared = true});
}

TEST(BusError, pages_that_are_there_keep_their_contents) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    HostMemory memory = shared_file(fd, kSize);
    memory.data()[4096] = std::byte{7};
    EXPECT_TRUE(touch_pages(memory.bytes()));
    EXPECT_EQ(memory.data()[4096], std::byte{7});
}

TEST(BusError, page_behind_the_end_of_its_file_is_found_out_again_and_again) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    HostMemory memory = shared_file(fd, kSize / 2);
    EXPECT_FALSE(touch_pages(memory.bytes()));
    EXPECT_FALSE(touch_pages(memory.bytes()));
    EXPECT_TRUE(touch_pages(memory.bytes().first(kSize / 2)));
}

TEST(BusErrorDeathTest, page_that_somebody_else_touches_ends_the_process_with_a_message) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    HostMemory memory = shared_file(fd, 0);
    EXPECT_EXIT(
        {
            end_on_bus_error();
            memory.data()[0] = std::byte{1};
        },
        testing::ExitedWithCode(1), "out of host memory: .*SIGBUS");
}

TEST(BusError, populate_says_that_there_is_no_memory) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    HostMemory memory = shared_file(fd, kSize / 2);
    Result<void> populated = memory.populate(1);
    ASSERT_FALSE(populated);
    EXPECT_NE(populated.error().message().find("insufficient free host memory"), std::string::npos)
        << populated.error().message();
}

}  // namespace
}  // namespace qc
