// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/memory_backend.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace qc::memory {
namespace {

using Kind = MemoryBackendConfig::Kind;
constexpr uint64_t kSize = 1 << 20;

class MemoryBackendTest : public testing::Test {
 protected:
    void SetUp() override {
        char path[] = "/tmp/memory_backend_test.XXXXXX";
        ASSERT_NE(mkdtemp(path), nullptr);
        directory_ = path;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    MemoryBackendConfig file(bool share = true) const {
        return {.kind = Kind::kFile,
                .id = "mem0",
                .size = kSize,
                .share = share,
                .path = directory_ + "/ram"};
    }
    static std::string error_of(const MemoryBackendConfig& config) {
        auto made = MemoryBackend::create(config);
        return made ? "no error" : made.error().message();
    }
    static void expect_error(const MemoryBackendConfig& config, std::string_view text) {
        const std::string error = error_of(config);
        EXPECT_NE(error.find(text), std::string::npos) << error;
    }
    bool file_exists() const { return std::filesystem::exists(directory_ + "/ram"); }
    std::string directory_;
};

TEST_F(MemoryBackendTest, shared_file_keeps_what_was_written_for_the_next_one) {
    {
        auto first = MemoryBackend::create(file());
        ASSERT_TRUE(first) << first.error().message();
        EXPECT_TRUE((*first)->named_file());
        (*first)->lend("mem0").memory->data()[4711] = std::byte{42};
    }
    EXPECT_EQ(std::filesystem::file_size(directory_ + "/ram"), kSize);
    auto second = MemoryBackend::create(file());
    ASSERT_TRUE(second);
    EXPECT_EQ((*second)->lend("mem0").memory->data()[4711], std::byte{42});
}

TEST_F(MemoryBackendTest, private_memory_leaves_the_file_as_it_is) {
    {
        ASSERT_TRUE(MemoryBackend::create(file()));
    }
    auto memory = MemoryBackend::create(file(false));
    ASSERT_TRUE(memory);
    (*memory)->lend("mem0").memory->data()[0] = std::byte{1};
    auto shared = MemoryBackend::create(file());
    ASSERT_TRUE(shared);
    EXPECT_EQ((*shared)->lend("mem0").memory->data()[0], std::byte{0});
}

TEST_F(MemoryBackendTest, file_in_a_directory_has_no_name) {
    MemoryBackendConfig config = file();
    config.path = directory_;
    auto memory = MemoryBackend::create(config);
    ASSERT_TRUE(memory) << memory.error().message();
    EXPECT_FALSE((*memory)->named_file());
    EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(MemoryBackendTest, file_of_another_size_is_refused_and_left_alone) {
    std::ofstream(directory_ + "/ram") << "my thesis";
    expect_error(file(), "backing store size 0x9 does not match 'size' option 0x100000");
    EXPECT_EQ(std::filesystem::file_size(directory_ + "/ram"), 9u);
}

TEST_F(MemoryBackendTest, what_cannot_be_aligned_is_refused_and_its_file_goes_again) {
    MemoryBackendConfig config = file();
    config.align = 3072;
    expect_error(config, "alignment 0xc00 must be multiples of page size 0x1000");
    EXPECT_FALSE(file_exists());
    config.align = 0x3000;
    expect_error(config, "power of two");
    config.align = 0;
    config.offset = 5;
    expect_error(config, "offset 0x5");
    config.offset = UINT64_MAX & ~uint64_t{4095};
    expect_error(config, "do not fit");
    EXPECT_FALSE(file_exists());
}

TEST_F(MemoryBackendTest, path_that_cannot_be_opened_is_named) {
    MemoryBackendConfig config = file();
    config.path = directory_ + "/none/ram";
    expect_error(config, "can't open backing store " + config.path);
    config.path = "/dev/null";
    expect_error(config, "neither a file nor a directory");
}

TEST_F(MemoryBackendTest, more_than_the_file_system_has_is_refused_before_the_guest_runs) {
    MemoryBackendConfig config = file();
    config.path = "/dev/shm/memory_backend_test." + std::to_string(getpid());
    config.size = uint64_t{1} << 45;
    expect_error(config, "insufficient free space");
    EXPECT_FALSE(std::filesystem::exists(config.path));
}

TEST_F(MemoryBackendTest, offset_leaves_what_lies_before_it) {
    MemoryBackendConfig config = file();
    config.offset = kSize;
    auto memory = MemoryBackend::create(config);
    ASSERT_TRUE(memory) << memory.error().message();
    (*memory)->lend("mem0").memory->data()[0] = std::byte{'x'};
    std::ifstream in(config.path);
    in.seekg(kSize);
    EXPECT_EQ(in.get(), 'x');
}

TEST_F(MemoryBackendTest, readonly_file_is_a_private_copy) {
    {
        ASSERT_TRUE(MemoryBackend::create(file()));
    }
    MemoryBackendConfig config = file(false);
    config.readonly = true;
    auto memory = MemoryBackend::create(config);
    ASSERT_TRUE(memory) << memory.error().message();
    (*memory)->lend("mem0").memory->data()[0] = std::byte{1};
    config.path = directory_ + "/none";
    expect_error(config, "can't open backing store");
}

TEST_F(MemoryBackendTest, discarded_data_is_gone_from_the_file) {
    MemoryBackendConfig config = file();
    config.discard_data = true;
    config.prealloc = true;
    auto memory = MemoryBackend::create(config);
    ASSERT_TRUE(memory) << memory.error().message();
    (*memory)->lend("mem0").memory->data()[0] = std::byte{1};
    memory->reset();
    std::ifstream in(config.path);
    EXPECT_EQ(in.get(), 0);
}

TEST_F(MemoryBackendTest, memfd_has_no_name_and_whole_pages) {
    MemoryBackendConfig config{.kind = Kind::kMemfd, .id = "m", .size = kSize, .share = true};
    auto memory = MemoryBackend::create(config);
    ASSERT_TRUE(memory) << memory.error().message();
    EXPECT_FALSE((*memory)->named_file());
    config.size = 5000;
    expect_error(config, "multiples of page size");
    config.size = kSize;
    config.huge_pages = true;
    config.huge_page_size = 3 << 20;
    expect_error(config, "Hugepage size must be a power of 2");
}

TEST_F(MemoryBackendTest, memory_of_a_block_outlives_its_back_end) {
    auto memory = MemoryBackend::create({.id = "m", .size = kSize});
    ASSERT_TRUE(memory);
    EXPECT_FALSE((*memory)->in_use());
    std::unique_ptr<RamBlock> block =
        RamBlock::over((*memory)->lend("pc.ram"), RamBlock::Kind::kRam);
    EXPECT_TRUE((*memory)->in_use());
    EXPECT_FALSE(block->shared_by_name());
    memory->reset();
    block->host()[kSize - 1] = std::byte{1};
}

TEST_F(MemoryBackendTest, more_than_there_can_be_is_an_error) {
    expect_error({.id = "m", .size = uint64_t{1} << 62}, "cannot set up guest memory 'm'");
    expect_error({.id = "m", .size = UINT64_MAX}, "too many");
}

}  // namespace
}  // namespace qc::memory
