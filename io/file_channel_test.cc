// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/file_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "util/host_memory.h"

namespace qc::io {
namespace {

class FileChannelTest : public testing::Test {
 protected:
    ~FileChannelTest() override { unlink(path_.c_str()); }
    std::string contents() const {
        std::ostringstream text;
        text << std::ifstream(path_).rdbuf();
        return text.str();
    }
    void write(Channel& channel, const std::string& text) {
        ASSERT_TRUE(channel.write_all(std::as_bytes(std::span(text))));
        ASSERT_TRUE(channel.finish_writing(kNoDeadline));
    }
    std::string path_ = testing::TempDir() + "qc-file-" + std::to_string(getpid());
};

TEST_F(FileChannelTest, offset_leaves_zeros_before_it) {
    std::ofstream(path_) << "what was there before, and longer";
    auto channel = FileChannel::create_file(path_, 4);
    ASSERT_TRUE(channel) << channel.error().message();
    write(**channel, "data");
    EXPECT_EQ(contents(), std::string(4, '\0') + "data");
    EXPECT_FALSE((*channel)->two_way());
}

TEST_F(FileChannelTest, reading_begins_at_the_offset_and_ends_with_the_file) {
    std::ofstream(path_) << "0123456789";
    auto channel = *FileChannel::open_file(path_, 7);
    std::array<std::byte, 3> bytes;
    ASSERT_TRUE(channel->read_exact(bytes));
    EXPECT_EQ(bytes[0], std::byte{'7'});
    EXPECT_EQ(*channel->read_some(bytes), 0u);
}

TEST_F(FileChannelTest, descriptor_keeps_its_position_and_is_checked_for_its_direction) {
    std::ofstream(path_) << "0123456789";
    UniqueFd fd(open(path_.c_str(), O_RDONLY));
    lseek(fd.get(), 5, SEEK_SET);
    UniqueFd same(dup(fd.get()));
    EXPECT_FALSE(FileChannel::adopt(std::move(same), FileChannel::Direction::kWrite, "fd:x"));
    auto channel = *FileChannel::adopt(std::move(fd), FileChannel::Direction::kRead, "fd:x");
    std::array<std::byte, 1> byte;
    ASSERT_TRUE(channel->read_exact(byte));
    EXPECT_EQ(byte[0], std::byte{'5'});
}

TEST_F(FileChannelTest, what_is_no_file_is_refused_by_name) {
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    auto reader = FileChannel::open_file(path_, 0);
    ASSERT_FALSE(reader);
    EXPECT_NE(reader.error().message().find(path_), std::string::npos);
    EXPECT_FALSE(FileChannel::create_file(path_, 0));
    EXPECT_FALSE(FileChannel::open_file("/nowhere/file", 0));
    EXPECT_FALSE(FileChannel::open_file("/", 0));
    EXPECT_FALSE(FileChannel::open_file("/dev/null", UINT64_MAX));
}

TEST_F(FileChannelTest, full_disk_is_an_error_that_names_the_file) {
    auto channel = FileChannel::create_file("/dev/full", 0);
    if (!channel) GTEST_SKIP() << channel.error().message();
    const std::array<std::byte, 10> data{};
    Result<void> written = (*channel)->write_all(data);
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().message().find("/dev/full"), std::string::npos);
}

TEST_F(FileChannelTest, shutdown_ends_it) {
    auto channel = *FileChannel::create_file(path_, 0);
    channel->shutdown();
    const std::array<std::byte, 10> data{};
    EXPECT_FALSE(channel->write_all(data));
    EXPECT_FALSE(channel->finish_writing(kNoDeadline));
}

TEST_F(FileChannelTest, positions_are_reached_beside_the_stream) {
    auto channel = *FileChannel::create_file(path_, 2);
    RandomAccess* file = channel->random_access();
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(*file->position(), 2u);
    write(*channel, "ab");
    const std::string far = "far";
    ASSERT_TRUE(file->write_at(8, std::as_bytes(std::span(far))));
    write(*channel, "cd");
    ASSERT_TRUE(file->seek(12));
    write(*channel, "e");
    EXPECT_EQ(contents(), std::string("\0\0abcd\0\0far\0e", 13));

    auto again = *FileChannel::open_file(path_, 0);
    std::array<std::byte, 3> bytes;
    ASSERT_TRUE(again->random_access()->read_at(8, bytes));
    EXPECT_EQ(bytes[2], std::byte{'r'});
    const Result<void> short_read = again->random_access()->read_at(11, bytes);
    ASSERT_FALSE(short_read);
    EXPECT_NE(short_read.error().message().find("it ends at offset 0xd"), std::string::npos)
        << short_read.error().message();
}

TEST_F(FileChannelTest, file_for_appending_has_no_positions) {
    UniqueFd fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
    auto channel = *FileChannel::adopt(std::move(fd), FileChannel::Direction::kWrite, "fd:x");
    EXPECT_EQ(channel->random_access(), nullptr);
}

TEST_F(FileChannelTest, direct_io_takes_what_is_aligned_and_the_rest_still_works) {
    auto channel = *FileChannel::create_file(path_, 0);
    RandomAccess* file = channel->random_access();
    if (Result<void> direct = file->use_direct_io(); !direct) GTEST_SKIP() << path_;
    HostMemory memory = *HostMemory::map(3 * 4096);
    std::ranges::fill(memory.bytes(), std::byte{'x'});
    ASSERT_TRUE(file->write_at(4096, memory.bytes()));
    write(*channel, "stream");
    ASSERT_TRUE(file->write_at(5, std::as_bytes(std::span("unaligned", 9))));
    ASSERT_TRUE(channel->finish_writing(kNoDeadline));
    const std::string text = contents();
    EXPECT_EQ(text.substr(0, 14), "streaunaligned");
    EXPECT_EQ(text.substr(4096), std::string(3 * 4096, 'x'));

    auto again = *FileChannel::open_file(path_, 0);
    ASSERT_TRUE(again->random_access()->use_direct_io());
    std::ranges::fill(memory.bytes(), std::byte{0});
    ASSERT_TRUE(again->random_access()->read_at(4096, memory.bytes()));
    EXPECT_EQ(memory.data()[3 * 4096 - 1], std::byte{'x'});
    ASSERT_TRUE(again->random_access()->read_at(0, memory.bytes().first(3)));
    EXPECT_EQ(memory.data()[2], std::byte{'r'});
    const Result<void> behind = again->random_access()->read_at(4 * 4096, memory.bytes());
    EXPECT_FALSE(behind);
}

TEST_F(FileChannelTest, direct_io_without_a_file_system_that_can_is_refused_by_name) {
    // Of /proc, whose files have no cache to go past.
    auto channel = *FileChannel::open_file("/proc/self/status", 0);
    const Result<void> direct = channel->random_access()->use_direct_io();
    ASSERT_FALSE(direct);
    EXPECT_NE(direct.error().message().find("direct I/O is not possible with file:/proc"),
              std::string::npos)
        << direct.error().message();
}

}  // namespace
}  // namespace qc::io
