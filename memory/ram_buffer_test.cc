// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/ram_buffer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "memory/ram_block.h"

namespace qc::memory {
namespace {

struct Fixture {
    Fixture() {
        for (uint64_t i = 0; i < block->size(); ++i)
            block->host()[i] = static_cast<std::byte>(i * 7 >> 3);
        buffer.add(*block, 100, 10);
        buffer.add(*block, kPageSize, 3);
        buffer.add(*block, 40, 20);
    }
    // Of byte `position` of the buffer.
    static uint64_t offset(uint64_t position) {
        if (position < 10) return 100 + position;
        if (position < 13) return kPageSize + position - 10;
        return 40 + position - 13;
    }

    std::unique_ptr<RamBlock> block =
        RamBlock::create("ram", 2 * kPageSize, RamBlock::Kind::kRam).value();
    RamBuffer buffer;
};

TEST(RamBuffer, every_range_is_read_from_its_parts) {
    Fixture f;
    ASSERT_EQ(f.buffer.length(), 33u);
    std::array<std::byte, 33> data{};
    for (uint64_t from = 0; from <= 33; ++from) {
        for (uint64_t to = from; to <= 33; ++to) {
            f.buffer.read(from, std::span(data).first(to - from));
            for (uint64_t i = from; i < to; ++i)
                ASSERT_EQ(data[i - from], f.block->host()[Fixture::offset(i)]) << from << ' ' << i;
        }
    }
}

TEST(RamBuffer, write_changes_its_parts_and_marks_their_pages) {
    Fixture f;
    f.block->set_dirty_logging(true);
    std::array<std::byte, 4> data{};
    data.fill(std::byte{0xee});
    const auto before = f.block->host()[99];
    f.buffer.write(1, data);
    EXPECT_TRUE(f.block->dirty().test(0));
    EXPECT_FALSE(f.block->dirty().test(1));
    f.buffer.write(11, data);
    EXPECT_TRUE(f.block->dirty().test(1));
    for (uint64_t i : {1, 4, 11, 14})
        EXPECT_EQ(f.block->host()[Fixture::offset(i)], std::byte{0xee}) << i;
    for (uint64_t i : {0, 5, 10, 15})
        EXPECT_NE(f.block->host()[Fixture::offset(i)], std::byte{0xee}) << i;
    EXPECT_EQ(f.block->host()[99], before);
}

TEST(RamBuffer, fill_finds_its_parts_and_marks_their_pages_even_if_it_fails) {
    Fixture f;
    f.block->set_dirty_logging(true);
    std::vector<iovec> seen;
    const auto note = [&](std::span<const iovec> buffers) {
        EXPECT_FALSE(f.block->dirty().test(0)) << "marked before it was written";
        seen.assign(buffers.begin(), buffers.end());
        return false;
    };
    EXPECT_FALSE(f.buffer.fill(9, 5, note));
    ASSERT_EQ(seen.size(), 3u);
    const std::array<size_t, 3> lengths = {1, 3, 1};
    for (size_t i = 0, position = 9; i < seen.size(); position += lengths[i++]) {
        EXPECT_EQ(seen[i].iov_base, f.block->host() + Fixture::offset(position));
        EXPECT_EQ(seen[i].iov_len, lengths[i]);
    }
    EXPECT_TRUE(f.block->dirty().test(0));
    EXPECT_TRUE(f.block->dirty().test(1));
    EXPECT_TRUE(f.buffer.fill(0, 1, [](std::span<const iovec>) { return true; }));
}

TEST(RamBuffer, fill_copies_a_captured_page_before_it_changes) {
    Fixture f;
    Bitmap pages(2);
    pages.set(1);
    ASSERT_TRUE(f.block->capture().begin(pages));
    const std::byte before = f.block->host()[kPageSize];
    const auto overwrite = [](std::span<const iovec> buffers) {
        for (const iovec& buffer : buffers)
            std::memset(buffer.iov_base, 0x5a, buffer.iov_len);
        return true;
    };
    EXPECT_TRUE(f.buffer.fill(0, 33, overwrite));
    EXPECT_EQ(f.block->host()[kPageSize], std::byte{0x5a});
    EXPECT_EQ(f.block->capture().hold(1, 1)[0], before);
    f.block->capture().end();
}

}  // namespace
}  // namespace qc::memory
