// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/page_capture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "memory/ram_block.h"

namespace qc::memory {
namespace {

constexpr uint64_t kPages = 200;

class PageCaptureTest : public testing::Test {
 protected:
    PageCaptureTest() {
        for (uint64_t page = 0; page < kPages; ++page)
            fill(page, static_cast<uint8_t>(page));
    }
    void fill(uint64_t page, uint8_t value) {
        std::vector<std::byte> data(kPageSize, std::byte{value});
        block_->write(page * kPageSize, data);
    }
    static bool holds(std::span<const std::byte> page, uint8_t value) {
        return page.size() == kPageSize &&
               std::ranges::all_of(page, [value](std::byte b) { return b == std::byte{value}; });
    }

    std::unique_ptr<RamBlock> block_ =
        *RamBlock::create("ram", kPages* kPageSize, RamBlock::Kind::kRam);
    PageCapture& capture_ = block_->capture();
    Bitmap pages_{kPages};
};

TEST_F(PageCaptureTest, page_written_afterwards_is_held_as_it_was) {
    pages_.set(3);
    pages_.set(64);
    ASSERT_TRUE(capture_.begin(pages_));
    fill(64, 0xee);
    fill(64, 0xef);
    fill(5, 0xee);
    EXPECT_TRUE(holds(capture_.hold(64, 1), 64));
    EXPECT_TRUE(holds(capture_.hold(3, 1), 3));
    EXPECT_TRUE(holds(block_->page(64), 0xef)) << "the guest has its own";
}

TEST_F(PageCaptureTest, page_written_after_it_was_held_stays_as_it_was) {
    pages_.set(7);
    ASSERT_TRUE(capture_.begin(pages_));
    std::span<const std::byte> held = capture_.hold(7, 1);
    fill(7, 0xee);
    EXPECT_TRUE(holds(held, 7));
}

TEST_F(PageCaptureTest, run_of_pages_is_contiguous) {
    for (uint64_t page = 60; page < 140; ++page)
        pages_.set(page);
    pages_.set(10);
    ASSERT_TRUE(capture_.begin(pages_));
    fill(100, 0xee);
    std::span<const std::byte> held = capture_.hold(60, 80);
    ASSERT_EQ(held.size(), 80 * kPageSize);
    for (uint64_t page = 0; page < 80; ++page) {
        EXPECT_TRUE(
            holds(held.subspan(page * kPageSize, kPageSize), static_cast<uint8_t>(page + 60)));
    }
}

TEST_F(PageCaptureTest, next_capture_knows_nothing_of_the_one_before) {
    pages_.set(7);
    ASSERT_TRUE(capture_.begin(pages_));
    fill(7, 0xee);
    capture_.end();
    fill(7, 0x11);
    pages_.set(2);
    ASSERT_TRUE(capture_.begin(pages_));
    fill(7, 0x22);
    EXPECT_TRUE(holds(capture_.hold(7, 1), 0x11));
    EXPECT_TRUE(holds(capture_.hold(2, 1), 2));
}

TEST_F(PageCaptureTest, write_across_pages_saves_both) {
    pages_.set(8);
    pages_.set(9);
    ASSERT_TRUE(capture_.begin(pages_));
    std::array<std::byte, 2> data{std::byte{0xee}, std::byte{0xee}};
    block_->write(9 * kPageSize - 1, data);
    EXPECT_TRUE(holds(capture_.hold(8, 1), 8));
    EXPECT_TRUE(holds(capture_.hold(9, 1), 9));
}

// Two who copy the same page at once, a reader and a writer, over many pages.
TEST_F(PageCaptureTest, racing_writer_never_changes_what_is_held) {
    for (int round = 0; round < 50; ++round) {
        for (uint64_t page = 0; page < kPages; ++page) {
            fill(page, static_cast<uint8_t>(page));
            pages_.set(page);
        }
        ASSERT_TRUE(capture_.begin(pages_));
        std::atomic<bool> go{false};
        std::thread writer([&] {
            while (!go)
                std::this_thread::yield();
            for (uint64_t page = 0; page < kPages; ++page)
                fill(page, 0xee);
        });
        go = true;
        for (uint64_t page = 0; page < kPages; ++page)
            EXPECT_TRUE(holds(capture_.hold(page, 1), static_cast<uint8_t>(page)));
        writer.join();
        capture_.end();
    }
}

TEST_F(PageCaptureTest, look_shows_the_page_as_it_was_without_copying_it) {
    pages_.set(9);
    pages_.set(10);
    ASSERT_TRUE(capture_.begin(pages_));
    fill(10, 0xee);
    capture_.look(9, [&](std::span<const std::byte> page) {
        EXPECT_TRUE(holds(page, 9));
        EXPECT_EQ(page.data(), block_->page(9).data());
    });
    capture_.look(10, [&](std::span<const std::byte> page) { EXPECT_TRUE(holds(page, 10)); });
}

TEST_F(PageCaptureTest, page_written_during_a_look_is_looked_at_again) {
    pages_.set(9);
    ASSERT_TRUE(capture_.begin(pages_));
    int looks = 0;
    bool whole = false;
    capture_.look(9, [&](std::span<const std::byte> page) {
        if (looks++ == 0) fill(9, 0xee);
        whole = holds(page, 9);
    });
    EXPECT_EQ(looks, 2);
    EXPECT_TRUE(whole);
}

TEST_F(PageCaptureTest, forgotten_page_may_be_written_and_is_not_copied) {
    pages_.set(9);
    ASSERT_TRUE(capture_.begin(pages_));
    capture_.forget(9);
    fill(9, 0xee);
    EXPECT_TRUE(holds(block_->page(9), 0xee));
}

}  // namespace
}  // namespace qc::memory
