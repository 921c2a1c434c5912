// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/ram_block.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace qc::memory {
namespace {

struct RecordingListener final : CodeWriteListener {
    std::vector<uint64_t> pages;
    void code_page_written(RamBlock&, uint64_t page) override { pages.push_back(page); }
};

std::unique_ptr<RamBlock> four_pages() {
    return *RamBlock::create("ram", 4 * kPageSize, RamBlock::Kind::kRam);
}

TEST(RamBlock, write_across_a_page_boundary_dirties_both_pages) {
    auto block = four_pages();
    block->set_dirty_logging(true);
    std::array<std::byte, 4> data{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    block->write(2 * kPageSize - 2, data);
    EXPECT_FALSE(block->dirty().test(0));
    EXPECT_TRUE(block->dirty().test(1));
    EXPECT_TRUE(block->dirty().test(2));
    EXPECT_FALSE(block->dirty().test(3));
    EXPECT_EQ(block->host()[2 * kPageSize], std::byte{3});
}

TEST(RamBlock, nothing_is_recorded_while_logging_is_off) {
    auto block = four_pages();
    block->note_write(0, kPageSize);
    EXPECT_FALSE(block->dirty().test(0));
}

TEST(RamBlock, listener_hears_only_of_pages_with_code) {
    auto block = four_pages();
    RecordingListener listener;
    block->set_code_write_listener(&listener);
    block->code_pages().set(3);
    block->note_write(0, 4 * kPageSize);
    EXPECT_EQ(listener.pages, (std::vector<uint64_t>{3}));
}

}  // namespace
}  // namespace qc::memory
