// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/mapped_ram.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace qc::migration {

static_assert(std::endian::native == std::endian::little, "bitmaps are written as they are");

namespace {

// Far from where sums of offsets and sizes could overflow, or off_t end.
constexpr uint64_t kMaxOffset = uint64_t{1} << 62;

uint64_t align_up(uint64_t offset, uint64_t alignment) {
    return (offset + alignment - 1) / alignment * alignment;
}

struct Area {
    uint64_t begin;
    uint64_t end;
    const memory::RamBlock* block;
};

}  // namespace

Result<void> use_direct_io(io::RandomAccess& file, uint64_t base) {
    static_assert(memory::kPageSize % io::RandomAccess::kDirectAlignment == 0);
    if (base % io::RandomAccess::kDirectAlignment != 0) {
        return fail("direct-io needs a stream that begins at a multiple of {} bytes, not at {}",
                    io::RandomAccess::kDirectAlignment, base);
    }
    return file.use_direct_io().context("direct-io");
}

uint64_t mapped_bitmap_bytes(const memory::RamBlock& block) {
    return (block.page_count() + 63) / 64 * sizeof(uint64_t);
}

MappedLayout lay_out(const memory::RamList& ram, uint64_t start) {
    MappedLayout layout;
    uint64_t at = start;
    for (const auto& block : ram.blocks()) {
        at = align_up(at, memory::kPageSize);
        layout.blocks.push_back({.bitmap = at});
        at += mapped_bitmap_bytes(*block);
    }
    for (size_t i = 0; i < layout.blocks.size(); ++i) {
        layout.blocks[i].pages = align_up(at, kMappedPagesAlignment);
        at = layout.blocks[i].pages + ram.blocks()[i]->size();
    }
    layout.resume = align_up(at, memory::kPageSize);
    return layout;
}

Result<void> check_layout(const memory::RamList& ram, const MappedLayout& layout) {
    if (layout.resume > kMaxOffset) return fail("the stream goes on beyond every file");
    std::vector<Area> areas;
    for (size_t i = 0; i < layout.blocks.size(); ++i) {
        const memory::RamBlock& block = *ram.blocks()[i];
        const auto [bitmap, pages] = layout.blocks[i];
        for (uint64_t offset : {bitmap, pages}) {
            if (offset % memory::kPageSize != 0 || offset > layout.resume) {
                return fail("RAM block '{}' cannot have its place at offset {:#x}", block.id(),
                            offset);
            }
        }
        areas.push_back({bitmap, bitmap + mapped_bitmap_bytes(block), &block});
        areas.push_back({pages, pages + block.size(), &block});
    }
    std::ranges::sort(areas, {}, &Area::begin);
    for (size_t i = 0; i < areas.size(); ++i) {
        const uint64_t limit = i + 1 < areas.size() ? areas[i + 1].begin : layout.resume;
        if (areas[i].end > limit) {
            return fail("the place of RAM block '{}' at offset {:#x} reaches into the next one",
                        areas[i].block->id(), areas[i].begin);
        }
    }
    return {};
}

MappedSummary summarise(const Bitmap& bitmap) {
    const auto bytes = std::as_bytes(std::span(bitmap.words()));
    return {.pages = bitmap.count(), .hash = XXH3_64bits(bytes.data(), bytes.size())};
}

}  // namespace qc::migration
