// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/page_patches.h"

#include <bit>
#include <cstring>

#include "migration/page_ranges.h"
#include "migration/ram_source.h"
#include "util/mutex.h"

namespace qc::migration::colo {

PagePatches::PagePatches(const memory::RamList& ram) : pages_(make_page_bitmaps(ram)) {}

Result<std::span<std::byte>> PagePatches::add(const PieceList& list) {
    std::vector<std::byte>& buffer = buffers_.emplace_back(list.pieces * kPieceSize);
    const std::byte* data = buffer.data();
    for (const PiecePage& page : list.pages) {
        if (pages_[list.block].test(page.page)) return fail("page {} comes twice", page.page);
        pages_[list.block].set(page.page);
        patches_.push_back({list.block, page, data});
        data += static_cast<size_t>(std::popcount(page.pieces)) * kPieceSize;
    }
    return std::span(buffer);
}

template <typename Work>
void PagePatches::for_each_piece(const Patch& patch, const Work& work) const {
    std::span<const std::byte> data(patch.data, kPieceSize);
    for (unsigned i = 0; i < kPiecesPerPage; ++i) {
        if (((patch.page.pieces >> i) & 1) == 0) continue;
        work(i, data);
        data = {data.data() + kPieceSize, kPieceSize};
    }
}

// Calls work(patches) so that each patch is in one call, from several threads if
// they are many.
template <typename Work>
void PagePatches::share(const Work& work) const {
    share_pages({{0, 0, patches_.size()}}, "colo/patches", [&](const PageRange& range) {
        work(std::span(patches_).subspan(range.first, range.count));
    });
}

PagesDigest PagePatches::digest(const PageHasher& hasher) const {
    PagesDigest total;
    Mutex mutex;
    share([&](std::span<const Patch> patches) {
        PagesDigest sum;
        for (const Patch& patch : patches) {
            for_each_piece(patch, [&](unsigned piece, std::span<const std::byte> data) {
                sum += hasher.sent_piece(patch.block, patch.page.page, piece, hasher.piece(data));
            });
        }
        MutexLock lock(mutex);
        total += sum.value();
    });
    return total;
}

void PagePatches::apply(const memory::RamList& ram) const {
    share([&](std::span<const Patch> patches) {
        for (const Patch& patch : patches) {
            memory::RamBlock& block = *ram.blocks()[patch.block];
            std::span<std::byte> page = block.page(patch.page.page);
            for_each_piece(patch, [&](unsigned piece, std::span<const std::byte> data) {
                std::memcpy(page.data() + piece * kPieceSize, data.data(), data.size());
            });
            block.note_replaced(patch.page.page);
        }
    });
}

void PagePatches::clear() {
    if (patches_.empty()) return;
    for (const Patch& patch : patches_)
        pages_[patch.block].clear(patch.page.page);
    patches_.clear();
    buffers_.clear();
}

}  // namespace qc::migration::colo
