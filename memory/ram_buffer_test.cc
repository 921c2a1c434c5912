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

}  // namespace
}  // namespace qc::memory
