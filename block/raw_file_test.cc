// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/raw_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "block/posix/file_io.h"
#include "block/test_support.h"

namespace qc::block {
namespace {

std::unique_ptr<RawFile> open_file(const std::string& path,
                                   RawFile::Access access = RawFile::Access::kReadWrite) {
    auto image = RawFile::open(path, access, RawFile::Cache::kWriteBack);
    EXPECT_TRUE(image) << image.error().message();
    return std::move(image).value();
}

TEST(RawFile, missing_file_is_named) {
    auto image =
        RawFile::open("/nowhere/x.img", RawFile::Access::kReadOnly, RawFile::Cache::kWriteBack);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().message(),
              "Could not open '/nowhere/x.img': No such file or directory");
}

TEST(RawFile, directory_and_character_device_are_refused) {
    for (const char* path : {"/tmp", "/dev/null"}) {
        auto image = RawFile::open(path, RawFile::Access::kReadOnly, RawFile::Cache::kWriteBack);
        ASSERT_FALSE(image) << path;
        EXPECT_NE(image.error().message().find(path), std::string::npos);
    }
}

TEST(RawFile, written_bytes_are_in_the_file) {
    TemporaryFile file(4096, 'a');
    auto image = open_file(file.path());
    EXPECT_EQ(write_text(*image, 512, "hello"), 0);
    EXPECT_EQ(image->flush(), 0);
    EXPECT_EQ(file.read_all().substr(510, 9), "aahelloaa");
    EXPECT_EQ(file.read_all().size(), 4096u);
}

TEST(RawFile, short_last_sector_reads_as_zeros_behind_its_end) {
    TemporaryFile file(700, 'x');
    auto image = open_file(file.path());
    EXPECT_EQ(image->length(), 1024u);
    std::string text(1024, '?');
    EXPECT_EQ(read_text(*image, 0, text), 0);
    EXPECT_EQ(text, std::string(700, 'x') + std::string(324, '\0'));
}

TEST(RawFile, file_that_shrank_reads_as_zeros) {
    TemporaryFile file(8192, 'x');
    auto image = open_file(file.path());
    file.write_all("y");
    std::string text(4096, '?');
    EXPECT_EQ(read_text(*image, 4096, text), 0);
    EXPECT_EQ(text, std::string(4096, '\0'));
}

TEST(RawFile, cached_read_has_the_bytes_or_says_that_it_has_not) {
    TemporaryFile file(1024, 'a');
    auto image = open_file(file.path());
    EXPECT_EQ(write_text(*image, 512, "hello"), 0);
    std::string text(5, '-');
    const iovec buffer{text.data(), text.size()};
    // A file system need not be able to say what it has in memory.
    const bool cached = image->read_cached(512, {&buffer, 1});
    EXPECT_TRUE(!cached || text == "hello") << text;
    EXPECT_FALSE(image->read_cached(1022, {&buffer, 1})) << "the file ends before";
}

TEST(RawFile, read_only_refuses_writes) {
    TemporaryFile file(1024);
    auto image = open_file(file.path(), RawFile::Access::kReadOnly);
    EXPECT_EQ(write_text(*image, 0, "x"), EROFS);
    EXPECT_EQ(image->discard(0, 512), EROFS);
}

TEST(RawFile, discard_keeps_the_length) {
    TemporaryFile file(65536, 'x');
    auto image = open_file(file.path());
    EXPECT_EQ(image->discard(0, 65536), 0);
    EXPECT_EQ(file.read_all().size(), 65536u);
}

TEST(RawFile, second_writer_gets_no_write_lock) {
    TemporaryFile file(1024);
    auto first = open_file(file.path());
    auto second = open_file(file.path());
    ASSERT_TRUE(first->activate());
    auto result = second->activate();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), "Failed to get \"write\" lock");
    EXPECT_NE(result.error().hint().find(file.path()), std::string::npos);
    first->inactivate();
    EXPECT_TRUE(second->activate());
}

TEST(RawFile, failed_activation_leaves_no_lock) {
    TemporaryFile file(1024);
    auto writer = open_file(file.path());
    auto refused = open_file(file.path());
    ASSERT_TRUE(writer->activate());
    ASSERT_FALSE(refused->activate());
    writer->inactivate();
    EXPECT_TRUE(writer->activate()) << "the refused one still announces something";
}

TEST(RawFile, readers_share_and_keep_writers_out) {
    TemporaryFile file(1024);
    auto first = open_file(file.path(), RawFile::Access::kReadOnly);
    auto second = open_file(file.path(), RawFile::Access::kReadOnly);
    auto writer = open_file(file.path());
    ASSERT_TRUE(first->activate());
    EXPECT_TRUE(second->activate());
    EXPECT_FALSE(writer->activate());
    first->inactivate();
    second->inactivate();
    ASSERT_TRUE(writer->activate());
    auto result = first->activate();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), "Failed to get shared \"write\" lock");
}

TEST(FileIo, full_device_gives_enospc) {
    UniqueFd fd(::open("/dev/full", O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(fd);
    char byte = 'x';
    iovec buffer{&byte, 1};
    EXPECT_EQ(write_at(fd.get(), 0, {&buffer, 1}), ENOSPC);
}

TEST(FileIo, many_buffers_arrive_in_order) {
    TemporaryFile file(0);
    UniqueFd fd(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
    std::string text;
    for (int i = 0; i < 5000; ++i)
        text += static_cast<char>('a' + i % 26);
    std::vector<iovec> buffers;
    for (char& c : text)
        buffers.push_back({&c, 1});
    buffers.insert(buffers.begin() + 7, iovec{nullptr, 0});
    EXPECT_EQ(write_at(fd.get(), 0, buffers), 0);
    EXPECT_EQ(file.read_all(), text);
    std::string expected = text;
    std::ranges::fill(text, '?');
    EXPECT_EQ(read_at(fd.get(), 0, buffers), 0);
    EXPECT_EQ(text, expected);
}

}  // namespace
}  // namespace qc::block
